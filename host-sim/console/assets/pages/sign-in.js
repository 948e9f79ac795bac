// Sign-in with an API key, or at an OpenID provider. A key is exchanged for a token and stays in the page's memory until it is closed or somebody signs out.

import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';
import { Field, focusWrong } from '../components/form.js';
import { Problem } from '../components/notice.js';
import { path } from '../lib/api.js';
import { loginProviders, session, signIn } from '../lib/session.js';
import { useStore } from '../lib/store.js';

/** The whole page, for whoever may not read without a key. */
export function SignIn() {
  return html`
    <h1>Sign in</h1>
    <p>This node answers only those whom it knows.</p>
    <${SignInForm} />`;
}

/** Links to the providers at which people sign in; nothing while there is none. */
function Providers() {
  const [names, setNames] = useState([]);
  useEffect(() => {
    // Without them there is still the key.
    loginProviders().then(setNames, () => {});
  }, []);
  const link = (name) => html`<a class="button" key=${name} href=${`/api/v1${path`/login/${name}`}`}>Sign in with ${name}</a>`;
  return names.length > 0 && html`<div class="buttons">${names.map(link)}</div>`;
}

export function SignInForm() {
  const { notice } = useStore(session);
  const form = useRef(null);
  const [{ busy, problem, wrong }, setState] = useState({ busy: false, problem: null, wrong: '' });

  const submit = async (event) => {
    event.preventDefault();
    const field = form.current.elements['api-key'];
    setState({ busy: true, problem: null, wrong: '' });
    try {
      await signIn(field.value);
      field.value = '';
      setState({ busy: false, problem: null, wrong: '' });
    } catch (problem) {
      const aboutKey = problem.status === 400 || problem.status === 401;
      setState({ busy: false, problem: aboutKey ? null : problem, wrong: aboutKey ? problem.sentence : '' });
      if (aboutKey) focusWrong(form.current);
    }
  };

  return html`
    <${Providers} />
    <form class="form" ref=${form} onSubmit=${submit}>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      ${problem && html`<${Problem} problem=${problem} />`}
      <${Field} id="api-key" label="API key" type="password" wrong=${wrong} hint="Begins with qnx_. It is not stored: after a reload you may have to enter it again." />
      <div><button class="button" data-kind="main" disabled=${busy}>${busy ? 'Signing in' : 'Sign in'}</button></div>
      <p class="unseen" role="alert">${wrong}</p>
    </form>`;
}
