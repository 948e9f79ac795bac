// One's own access: who one is to the node, what one may do, signing in and out.

import { html, useState } from '../vendor/htm-preact.js';
import { AccessTabs } from '../components/access-tabs.js';
import { Missing } from '../components/notice.js';
import { Facts, Page, Panel } from '../components/page.js';
import { Badge, Moment } from '../components/values.js';
import { can, session, signOut } from '../lib/session.js';
import { useStore } from '../lib/store.js';
import { SignInForm } from './sign-in.js';

export function Access() {
  const { me, signedIn, ends } = useStore(session);
  return html`
    <${Page} title="Access" actions=${html`<${AccessTabs} at="access" />`}>
      <${Panel} title=${signedIn ? 'Your session' : 'Without a key'}>
        <${Facts} of=${[
          ['You are', me.principal],
          ['Session', me.session],
          ['Token ends', ends && html`<${Moment} ms=${ends} />`],
          ['You may', html`<span class="buttons">${me.scopes.map((scope) => html`<${Badge}>${scope}<//>`)}</span>`],
          ['For accounts', me.accounts === '*' ? 'all' : me.accounts.join(', ') || 'none'],
        ]} />
        ${signedIn && html`<${SignOutButton} />`}
      <//>
      ${!signedIn && html`<${Panel} title="Sign in"><${SignInForm} /><//>`}
      ${signedIn && ['admin', 'audit'].filter((scope) => !can(scope)).map((scope) => html`<${Missing} scope=${scope} />`)}
    <//>`;
}

function SignOutButton() {
  const [busy, setBusy] = useState(false);
  const leave = () => {
    setBusy(true);
    signOut();
  };
  return html`<div><button class="button" disabled=${busy} onClick=${leave}>Sign out</button></div>`;
}
