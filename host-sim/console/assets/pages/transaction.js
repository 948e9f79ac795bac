// One transaction: where it is, what it did, and the lines of clear signing that its signer saw.

import { html } from '../vendor/htm-preact.js';
import { Display } from '../components/display.js';
import { Reading } from '../components/notice.js';
import { outcomeFacts } from '../components/outcome.js';
import { Facts, Page, Panel } from '../components/page.js';
import { AccountLink, Amount, BlockLink, Copy, Hash, Moment } from '../components/values.js';
import { path } from '../lib/api.js';
import { kindName } from '../lib/names.js';
import { useResource } from '../lib/resource.js';

export function Transaction({ id }) {
  const transaction = useResource(path`/transaction/${id}`, { keepMs: 600_000 });
  return html`
    <${Page} title="Transaction" lead=${html`<${Hash} of=${id} />`} actions=${html`<${Copy} text=${id} what="the id" />`}>
      <${Reading} of=${transaction} what="the transaction">${(data) => html`<${Found} of=${data} />`}<//>
    <//>`;
}

function Found({ of }) {
  return html`
    <div class="columns">
      <${Panel} title="Details">
        <${Facts} of=${[
          ['Kind', kindName(of.kind)],
          ['Sender', html`<${AccountLink} id=${of.sender} />`],
          ['Block', html`<${BlockLink} height=${of.height} />, place ${of.place}`],
          ['Time', html`<${Moment} ms=${of.time_ms} />`],
          ['Fee', html`<${Amount} of=${of.fee} /> QNX`],
          ...outcomeFacts(of.outcome),
        ]} />
      <//>
      <${Panel} title="What was signed"><${Display} lines=${of.summary} label="The lines of clear signing" /><//>
    </div>`;
}
