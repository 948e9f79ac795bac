// Alerts: those that are open come with the stream; all of them are asked for.

import { html, useState } from '../vendor/htm-preact.js';
import { AlertList } from '../components/alerts.js';
import { Empty, Loading, Missing, Reading } from '../components/notice.js';
import { Page, Panel } from '../components/page.js';
import { live, noteAlert, openAlerts } from '../lib/live.js';
import { useResource } from '../lib/resource.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { useStore } from '../lib/store.js';

export function Alerts({ search }) {
  const all = search.get('state') === 'all';
  const tab = (name, state) => html`<a href=${link('alerts', { state })} aria-current=${all === Boolean(state) ? 'true' : undefined}>${name}</a>`;
  const tabs = html`<nav class="tabs" aria-label="Which alerts">${tab('Open', '')}${tab('All', 'all')}</nav>`;
  return html`
    <${Page} title="Alerts">
      ${!can('operate') && html`<${Missing} scope="operate" />`}
      ${can('metrics') ? html`<${Panel} title=${all ? 'All alerts' : 'Open alerts'} side=${tabs} plain>${all ? html`<${All} />` : html`<${Open} />`}<//>` : html`<${Missing} scope="metrics" />`}
    <//>`;
}

function Open() {
  const alerts = openAlerts(useStore(live));
  if (!alerts) return html`<${Loading} what="the alerts" />`;
  return alerts.length ? html`<${AlertList} alerts=${alerts} />` : html`<${Empty}>No alert is open.<//>`;
}

function All() {
  const read = useResource('/alerts?state=all');
  // What was just answered to an action is newer than the list.
  const [changed, setChanged] = useState(new Map());
  const change = (alert) => {
    noteAlert(alert);
    setChanged((before) => new Map(before).set(alert.id, alert));
  };
  return html`<${Reading} of=${read} what="the alerts">${({ alerts }) => (alerts.length
    ? html`<${AlertList} alerts=${alerts.map((alert) => changed.get(alert.id) ?? alert)} changed=${change} />`
    : html`<${Empty}>There has been no alert.<//>`)}<//>`;
}
