// Who may do what at the mock, its alerts, its device: what a node says beside the ledger. Also the keys that tests sign in with.

import { hash } from './mock-ledger.mjs';

export const ADMIN = 'qnx_ADMIN01_6dd9c1f0b3a24e5c';
export const READER = 'qnx_READER1_0aa4e19d7c55b2f8';

const ALL = ['read', 'submit', 'account', 'transfer', 'swap', 'liquidity', 'issue', 'audit', 'metrics', 'operate', 'admin'];
const ROLES = { participant: ['read', 'submit'], bank: ['read', 'submit', 'account', 'transfer', 'swap'], regulator: ['read', 'audit', 'metrics'], operator: ['read', 'metrics', 'operate'], admin: ALL };
const TOKEN_SECONDS = 900;

export class People {
  constructor() {
    this.keys = [];
    this.sessions = new Map();
    this.log = [];
    const now = Date.now();
    this.add({ name: 'root', scopes: ALL, accounts: '*' }, ADMIN, now - 86_400_000);
    this.add({ name: 'reporting', scopes: ['read'], accounts: [] }, READER, now - 7_200_000);
    this.alerts = [
      { id: '3', rule: 'disk-space', severity: 'warning', summary: 'The disk of the node is 82 % full', detail: 'At the present rate it is full in 11 days. Keep fewer blocks (history_blocks) or add space.', began_ms: now - 5_400_000, ended_ms: null, acknowledged_by: null, silenced_until_ms: null },
      { id: '2', rule: 'validator-away', severity: 'critical', summary: 'VALIDATOR_3 has not voted for 40 views', detail: 'The chain goes on: three of four validators vote.', began_ms: now - 900_000, ended_ms: null, acknowledged_by: null, silenced_until_ms: null },
      { id: '1', rule: 'block-age', severity: 'critical', summary: 'The newest block was 75 s old', detail: 'A block came after 81 s.', began_ms: now - 90_000_000, ended_ms: now - 89_990_000, acknowledged_by: 'key:ADMIN01', silenced_until_ms: null },
    ];
  }

  add({ name, role, scopes = [], accounts, requests_per_minute = null, expires_in }, key = null, created = Date.now()) {
    const id = key ? key.split('_')[1] : hash(`${name} ${this.keys.length}`).slice(0, 12);
    const whole = key ?? `qnx_${id}_${hash(id).slice(0, 32)}`;
    const record = {
      id, name, scopes: [...new Set([...(ROLES[role] ?? []), ...scopes])], accounts, requests_per_minute,
      created_ms: created, expires_ms: expires_in ? created + expires_in * 1_000 : null, revoked_ms: null,
    };
    this.keys.push({ record, whole });
    return { key: whole, ...record };
  }

  note(kind, principal, request, status, detail = '') {
    const number = this.log.length;
    this.log.push({ number, time_ms: Date.now(), kind, principal, address: '127.0.0.1', request, status, code: status >= 400 ? 1122 : null, detail, hash: hash(`entry ${number}`) });
  }

  /** A token for the parts of a key, or nothing. */
  token(id, secret) {
    const found = this.keys.find(({ record, whole }) => whole === `qnx_${id}_${secret}` && !record.revoked_ms);
    if (!found) return null;
    const token = hash(`${id} ${this.sessions.size}`);
    this.sessions.set(token, { key: found, session: token.slice(0, 16), began: Date.now(), revoked: null });
    this.note('session_begun', `key:${id}`, 'POST /api/v1/token', 200, `session ${token.slice(0, 16)}`);
    return { access_token: token, token_type: 'Bearer', expires_in: TOKEN_SECONDS, scope: found.record.scopes.join(' ') };
  }

  sessionViews() {
    return [...this.sessions.values()].map(({ key: { record }, session: id, began, revoked }) => ({
      id, principal: `key:${record.id}`, scopes: record.scopes, address: '127.0.0.1', certificate: null, created_ms: began, expires_ms: began + TOKEN_SECONDS * 1_000, revoked_ms: revoked,
    }));
  }

  /** Who shows this header; nothing if what he shows does not count. */
  caller(header, publicScopes) {
    if (!header) return { principal: 'address:127.0.0.1', session: null, scopes: publicScopes, accounts: [] };
    const shown = header.replace(/^Bearer /, '');
    const begun = this.sessions.get(shown);
    const key = this.keys.find(({ whole }) => whole === shown) ?? begun?.key;
    if (!key || begun?.revoked || key.record.revoked_ms) return null;
    const { id, scopes, accounts } = key.record;
    return { principal: `key:${id}`, session: begun?.session ?? null, scopes, accounts };
  }
}

export const VALIDATORS = [1, 2, 3, 4].map((number) => ({
  account: `VALIDATOR_${number}`, status: 'active', stake: '250000', commission_bps: 500, slot: number - 1, seat: number !== 4,
  vote_key: hash(`vote ${number}`), own: number === 1, device: number === 1 ? true : null,
}));

export const DEVICE = {
  name: 'VAULT', firmware_version: '1.4.0', serial: 'QX-000017', locked: false, trusted_height: 120,
  keys: ['BANK_001', 'BANK_002', 'BANK_003'].map((account, slot) => ({ slot, account, scheme: 'ed25519', key_hash: hash(`key of ${account}`), waiting: 0 })),
  votes: null,
};

export const FACTORS = {
  score: 84,
  factors: [
    { name: 'block_age', score: 100, value: '1.2', unit: 's', detail: 'Age of the newest block' },
    { name: 'validators', score: 75, value: '3 of 4', unit: '', detail: 'Validators that voted lately' },
    { name: 'disk', score: 45, value: '82', unit: '%', detail: 'Of the disk is used' },
    { name: 'device', score: 100, value: '14', unit: 'ms', detail: 'Time that the device takes for a signature' },
  ],
};
