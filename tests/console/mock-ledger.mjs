// A made-up ledger for the mock: accounts, pools and a chain whose numbers agree with each other, so that pages show what they would show of
// a node. Amounts are integers of 10^-18 inside, decimal texts outside.

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

const SCALE = 10n ** 18n;
const FEE = '0.001';
const VALID_BLOCKS = 100;
const MINUTE_MS = 60_000;
const BANKS = ['BANK_001', 'BANK_002', 'BANK_003'];

export const hash = (text) => createHash('sha256').update(String(text)).digest('hex');

export function units(text) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(18, '0'));
}

export function text(count) {
  const digits = count.toString().padStart(19, '0');
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`.replace(/\.?0+$/, '');
}

const line = (label, value) => ({ label, value: String(value) });

export class Ledger extends EventEmitter {
  constructor({ blockMs, history = 140 }) {
    super();
    this.setMaxListeners(0);
    this.blocks = [];
    this.transactions = [];
    this.waiting = [];
    this.accounts = new Map();
    this.assets = new Map([['EURC', '50000000'], ['QNX', '1000000000'], ['USDC', '50000000']]
      .map(([id, most]) => [id, { id, issuer: id === 'EURC' ? BANKS[0] : 'TREASURY', supply: most, max_supply: text(units(most) * 10n) }]));
    this.pools = new Map();
    const names = [...BANKS, 'TREASURY', ...Array.from({ length: 4 }, (_, index) => `VALIDATOR_${index + 1}`),
      ...Array.from({ length: 60 }, (_, index) => `ACC${String(index + 1).padStart(6, '0')}`)];
    for (const id of names.sort()) this.addAccount(id);
    this.addPool('EURC-USDC', 'EURC', 'USDC', '1200000', '1311600.75', 5);
    this.addPool('QNX-USDC', 'QNX', 'USDC', '250000', '1037500.125', 30);
    this.blockMs = blockMs;
    this.time = Date.now() - history * blockMs;
    for (let count = 0; count < history; count += 1) {
      if (count % 3 !== 1) this.bustle(count);
      this.makeBlock();
    }
  }

  addAccount(id) {
    const bank = id.startsWith('BANK_');
    const keys = [{ scheme: 'ed25519', hash: hash(`key of ${id}`) }];
    if (bank) keys.push({ scheme: 'ml-dsa-87', hash: hash(`second key of ${id}`) });
    const balances = new Map([['EURC', units('50000')], ['QNX', units('12345.678901234567890123')], ['USDC', units('1500000.25')]]);
    this.accounts.set(id, { id, kind: bank ? 'institution' : 'individual', status: id === 'ACC000013' ? 'frozen' : 'active', kyc: bank ? 'full' : 'basic', nonce: 0, threshold: keys.length, keys, balances });
  }

  addPool(id, a, b, reserveA, reserveB, feeBps) {
    this.pools.set(id, { id, a, b, reserveA: units(reserveA), reserveB: units(reserveB), shares: units('500000'), feeBps });
  }

  get tip() {
    return this.blocks.at(-1);
  }

  start() {
    let count = 0;
    this.timer = setInterval(() => {
      count += 1;
      if (count % 2) this.bustle(count);
      this.makeBlock();
    }, this.blockMs);
  }

  stop() {
    clearInterval(this.timer);
  }

  /** Something happens, the same each time. */
  bustle(count) {
    const account = (number) => `ACC${String((number % 12) + 1).padStart(6, '0')}`;
    for (let index = 0; index <= count % 4; index += 1) {
      this.waiting.push(this.transferOf({ sender: account(count + index), receiver: account(count * 3 + index + 1), amount: `${count + 1}.${index + 1}`, currency: 'USDC', reference: index ? '' : `INV-${1000 + count}` }));
    }
    if (count % 4 === 0) {
      this.waiting.push(this.transferOf({ sender: BANKS[count % 3], receiver: BANKS[(count + 1) % 3], amount: `${count * 250 + 1000}.75`, currency: count % 8 ? 'USDC' : 'EURC', reference: `SETTLEMENT ${count}` }));
    }
    const swaps = count % 5 < 2 ? { asset_in: 'USDC', amount: `${400 + (count % 7) * 150}` } : { asset_in: 'QNX', amount: `${60 + (count % 11) * 12}` };
    this.waiting.push(this.swapOf({ account: account(count), token_in: swaps.asset_in, token_out: swaps.asset_in === 'QNX' ? 'USDC' : 'QNX', amount_in: swaps.amount, pool: 'QNX-USDC', min_amount_out: '0.1' }));
  }

  end(sender) {
    const { nonce } = this.accounts.get(sender);
    const waiting = this.waiting.filter((one) => one.sender === sender).length;
    return [line('From', sender), line('Fee', `${FEE} QNX`), line('Chain', 'MOCK'), line('Nonce', nonce + waiting), line('Valid to block', (this.tip?.height ?? 0) + VALID_BLOCKS)];
  }

  transferOf({ sender, receiver, amount, currency, reference = '' }) {
    const summary = [line('Operation', 'Transfer'), line('Send', `${text(units(amount))} ${currency}`), line('To', receiver),
      ...(reference ? [line('For', reference)] : []), ...this.end(sender)];
    return this.waitingOf('transfer', sender, summary, () => {
      this.move(sender, currency, -units(amount));
      this.move(receiver, currency, units(amount));
      return { kind: 'done' };
    });
  }

  swapOf({ account, token_in: given, token_out: received, amount_in: amount, pool, min_amount_out: least }) {
    const summary = [line('Operation', 'Swap'), line('Give exactly', `${text(units(amount))} ${given}`), line('Receive at least', `${least} ${received}`),
      line('Pool', pool), line('Price impact, max', 'no limit'), line('Deadline', 'none'), ...this.end(account)];
    return this.waitingOf('swap-exact-in', account, summary, () => {
      const out = this.quote(this.pools.get(pool), given, units(amount)).out;
      this.move(account, given, -units(amount));
      this.move(account, received, out);
      const of = this.pools.get(pool);
      const [toA, toB] = given === of.a ? [units(amount), -out] : [-out, units(amount)];
      of.reserveA += toA;
      of.reserveB += toB;
      return { kind: 'swapped', amount_in: text(units(amount)), amount_out: text(out) };
    });
  }

  /** Liquidity in exact proportion; a node rounds, and looks at the limits. */
  addLiquidityOf({ account, pool, max_a: mostA, max_b: mostB, min_shares: least }) {
    const of = this.pools.get(pool);
    const summary = [line('Operation', 'Add liquidity'), line('Pool', pool), line('Give at most', `${text(units(mostA))} ${of.a}`), line('Give at most', `${text(units(mostB))} ${of.b}`),
      line('Shares at least', text(units(least))), line('Deadline', 'none'), ...this.end(account)];
    return this.waitingOf('add-liquidity', account, summary, () => {
      const [byA, byB] = [(units(mostA) * of.shares) / of.reserveA, (units(mostB) * of.shares) / of.reserveB];
      return this.moveLiquidity(account, of, byA < byB ? byA : byB);
    });
  }

  removeLiquidityOf({ account, pool, shares, min_a: leastA, min_b: leastB }) {
    const of = this.pools.get(pool);
    const summary = [line('Operation', 'Remove liquidity'), line('Pool', pool), line('Shares to give back', text(units(shares))), line('Receive at least', `${text(units(leastA))} ${of.a}`),
      line('Receive at least', `${text(units(leastB))} ${of.b}`), line('Deadline', 'none'), ...this.end(account)];
    return this.waitingOf('remove-liquidity', account, summary, () => this.moveLiquidity(account, of, -units(shares)));
  }

  moveLiquidity(account, of, shares) {
    const [a, b] = [(of.reserveA * shares) / of.shares, (of.reserveB * shares) / of.shares];
    this.move(account, of.a, -a);
    this.move(account, of.b, -b);
    of.reserveA += a;
    of.reserveB += b;
    of.shares += shares;
    return { kind: 'done' };
  }

  issueOf({ account, asset, receiver, amount }) {
    const summary = [line('Operation', 'Issue'), line('Amount', `${text(units(amount))} ${asset}`), line('To', receiver), ...this.end(account)];
    return this.waitingOf('issue', account, summary, () => {
      this.move(receiver, asset, units(amount));
      return { kind: 'done' };
    });
  }

  burnOf({ account, asset, amount }) {
    const summary = [line('Operation', 'Burn'), line('Amount', `${text(units(amount))} ${asset}`), ...this.end(account)];
    return this.waitingOf('burn', account, summary, () => {
      this.move(account, asset, -units(amount));
      return { kind: 'done' };
    });
  }

  openOf(registrar, { account_id: id, documents }) {
    const kyc = documents.length ? 'basic' : 'none';
    const summary = [line('Operation', 'Create account'), line('Account', id), line('Kind', 'individual'), line('KYC level', kyc), ...this.end(registrar)];
    return this.waitingOf('create-account', registrar, summary, () => {
      this.addAccount(id);
      return { kind: 'done' };
    });
  }

  waitingOf(kind, sender, summary, run) {
    return { id: hash(JSON.stringify(summary)), kind, sender, summary, run };
  }

  move(account, asset, amount) {
    const { balances } = this.accounts.get(account);
    balances.set(asset, (balances.get(asset) ?? 0n) + amount);
  }

  quote(pool, given, amount) {
    const [before, other] = given === pool.a ? [pool.reserveA, pool.reserveB] : [pool.reserveB, pool.reserveA];
    const fee = (amount * BigInt(pool.feeBps)) / 10_000n;
    const kept = amount - fee;
    const out = (other * kept) / (before + kept);
    // 1 - (out / in) / spot
    const impact = SCALE - (out * before * SCALE) / (other * amount);
    return { out, fee, impact };
  }

  makeBlock() {
    const height = this.blocks.length;
    this.time = Math.max(this.time + this.blockMs, this.timer ? Date.now() : 0);
    const entries = this.waiting.splice(0).map(({ run, ...transaction }, place) => {
      this.accounts.get(transaction.sender).nonce += 1;
      return { height, place, time_ms: this.time, ...transaction, outcome: run(), fee: FEE };
    });
    const of = (what) => hash(`${what} ${height}`);
    const block = {
      id: of('block'), height, epoch: Math.floor(height / 50), view: height + 2, time_ms: this.time, parent: this.tip?.id ?? '0'.repeat(64),
      proposer: `VALIDATOR_${(height % 4) + 1}`, transactions: entries.length, transaction_root: of('transactions'), state_root: of('state'),
      receipt_root: of('receipts'), validators: hash('validators'), next_validators: hash('validators'),
    };
    this.blocks.push(block);
    this.transactions.push(...entries);
    this.emit('event', 'block', block);
    for (const entry of entries) this.emit('event', 'transaction', entry);
  }

  /** Candles of a time that was before the chain, made of a curve: what the chain itself swapped is too short to look at. */
  candles(pool, stepMs, fromMs) {
    const end = Math.floor(Date.now() / stepMs) * stepMs;
    const spot = Number(pool.reserveB) / Number(pool.reserveA);
    const price = (at) => spot * (1 + 0.02 * Math.sin(at / 9) + 0.011 * Math.sin(at / 2.3)) / (1 + 0.02 * Math.sin(0) + 0.011 * Math.sin(0));
    const found = [];
    for (let index = 96; index >= 0; index -= 1) {
      const time = end - index * stepMs;
      if (time < fromMs || index % 13 === 5) continue;
      const [open, close] = [price(-index - 1), price(-index)];
      const volume = 120 + 80 * Math.sin(index) + (index % 10) * 25;
      found.push({
        time_ms: time, open: open.toFixed(9), high: (Math.max(open, close) * 1.004).toFixed(9), low: (Math.min(open, close) * 0.997).toFixed(9),
        close: close.toFixed(9), volume_a: volume.toFixed(6), volume_b: (volume * close).toFixed(6), swaps: 3 + (index % 6),
      });
    }
    return { pool: pool.id, asset_a: pool.a, asset_b: pool.b, step_ms: stepMs, candles: found };
  }
}

export const STEPS = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 1_440 * MINUTE_MS };
