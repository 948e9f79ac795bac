// Alerts of the node, with what may be done about them.

import { html, useState } from '../vendor/htm-preact.js';
import { path, post } from '../lib/api.js';
import { noteAlert } from '../lib/live.js';
import { can } from '../lib/session.js';
import { moment, useNow } from '../lib/time.js';
import { Problem } from './notice.js';
import { Moment, State } from './values.js';

const SILENCES = [[15, '15 minutes'], [60, '1 hour'], [240, '4 hours'], [1_440, '1 day']];

/** changed(alert): told of an alert as the node answered it after an action. */
export function AlertList({ alerts, changed = noteAlert, short }) {
  return html`<div>${alerts.map((alert) => html`<${Alert} key=${alert.id} alert=${alert} changed=${changed} short=${short} />`)}</div>`;
}

function Alert({ alert, changed, short }) {
  const now = useNow();
  const silenced = alert.silenced_until_ms > now;
  return html`
    <article class="alert-row">
      <div class="alert-head">
        <${State} of=${alert.severity} />
        <h3>${alert.summary}</h3>
        <span class="quiet small">${alert.rule}</span>
      </div>
      ${!short && alert.detail && html`<p>${alert.detail}</p>`}
      <p class="quiet small">
        Since <${Moment} ms=${alert.began_ms} />${alert.ended_ms !== null && html`, ended ${moment(alert.ended_ms)}`}${alert.acknowledged_by && html`; acknowledged by ${alert.acknowledged_by}`}${silenced && html`; silenced until ${moment(alert.silenced_until_ms)}`}
      </p>
      ${!short && alert.ended_ms === null && can('operate') && html`<${Actions} alert=${alert} changed=${changed} silenced=${silenced} />`}
    </article>`;
}

function Actions({ alert, changed, silenced }) {
  const [{ busy, problem }, setState] = useState({ busy: false, problem: null });
  const [minutes, setMinutes] = useState(SILENCES[1][0]);
  const act = async (where, options) => {
    setState({ busy: true, problem: null });
    try {
      changed(await post(where, options));
      setState({ busy: false, problem: null });
    } catch (problem) {
      setState({ busy: false, problem });
    }
  };
  const acknowledge = () => act(path`/alerts/${alert.id}/acknowledge`);
  const silence = () => act(path`/alerts/${alert.id}/silence`, { json: { minutes } });
  const about = html`<span class="unseen"> ${alert.summary}</span>`;
  return html`
    ${problem && html`<${Problem} problem=${problem} />`}
    <div class="buttons">
      ${!alert.acknowledged_by && html`<button class="button" data-kind="small" disabled=${busy} onClick=${acknowledge}>Acknowledge${about}</button>`}
      ${!silenced && html`
        <span class="field"><select aria-label=${`How long to silence: ${alert.summary}`} onChange=${(event) => setMinutes(Number(event.target.value))}>
          ${SILENCES.map(([value, text]) => html`<option value=${value} selected=${value === minutes}>${text}</option>`)}
        </select></span>
        <button class="button" data-kind="small" disabled=${busy} onClick=${silence}>Silence${about}</button>`}
    </div>`;
}
