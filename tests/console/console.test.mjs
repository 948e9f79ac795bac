// The console in a browser: every page with real content, wide and narrow, light and dark; what a user does, by pointer and by keyboard; and
// what he is told when something is wrong. Without a node it runs against the mock (see node.mjs).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Visitor, launch } from './browser.mjs';
import { startMock } from './mock.mjs';
import { asker, isMock, shown, short, startNode } from './node.mjs';

const KINDS = { transfer: 'Transfer', 'swap-exact-in': 'Swap, exact input' };

let node;
let ask;
let browser;
let facts;

before(async () => {
  node = await startNode();
  ask = asker(node);
  browser = await launch();
  const [{ accounts: custody }, { pools }, { assets }, { accounts }, me] = await Promise.all(
    ['/custody', '/pools?limit=500', '/assets?limit=500', '/accounts?limit=50', '/me'].map((path) => ask('GET', path)),
  );
  const sender = custody[0];
  const { balances } = await ask('GET', `/holdings/${sender}`);
  const reader = await ask('POST', '/keys', { name: 'reads only', scopes: ['read'], accounts: [] });
  facts = {
    reader, custody, pools, assets, accounts, me, sender,
    receiver: accounts.find(({ id, status }) => id !== sender && status === 'active').id,
    currency: balances.find(({ asset }) => asset !== 'QNX')?.asset ?? balances[0].asset,
  };
});

after(async () => {
  await browser?.close();
  if (facts) await ask('DELETE', `/keys/${facts.reader.id}`);
  node?.close();
});

/** Asked for a transaction that is not final yet, the node says that it does not know it. */
const notYet = (status, url) => status === 404 && url.includes('/transaction/');

const visit = (options) => Visitor.at(browser, node.url, options);

async function signedIn(options) {
  const visitor = await visit(options);
  await visitor.signIn(node.key);
  return visitor;
}

/** The device's display as [label, value] pairs. */
async function displayed(visitor, label = 'What the device shows') {
  const display = visitor.page.locator(`dl[aria-label="${label}"]`);
  await display.waitFor();
  const [labels, values] = [await display.locator('dt').allTextContents(), await display.locator('dd').allTextContents()];
  return labels.map((text, index) => [text, values[index]]);
}

const panel = (page, title) => page.locator('.panel', { has: page.getByRole('heading', { name: title, exact: true }) });

describe('signing in', () => {
  test('a wrong key is refused with a clear sentence', async () => {
    const visitor = await visit({ expected: (status, url) => status === 401 && url.endsWith('/token') });
    await visitor.go('access');
    await visitor.enterKey('hello');
    await visitor.sees('An API key was expected: it begins with qnx_');
    assert.equal(await visitor.page.getByLabel('API key').getAttribute('aria-invalid'), 'true');
    await visitor.enterKey('qnx_NOSUCHKEY_0123456789abcdef');
    await visitor.sees('The node does not know this key, or the key was revoked or has ended.');
    await visitor.page.waitForFunction(() => document.activeElement.id === 'api-key');
    await visitor.inspect('wrong-key');
    await visitor.leave();
  });

  test('the key is nowhere kept, and the token outlives a reload', async () => {
    // What is under way when the session ends is refused.
    const visitor = await signedIn({ expected: (status) => status === 401 });
    const secret = node.key.split('_')[2];
    const kept = await visitor.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
    assert.ok(!kept.includes(secret));
    await visitor.page.reload();
    await visitor.page.getByRole('button', { name: 'Sign out' }).click();
    await visitor.sees('You have signed out.');
    assert.equal(await visitor.page.evaluate(() => sessionStorage.length), 0);
    await visitor.page.getByLabel('API key').waitFor();
    await visitor.leave();
  });

  test('a node that tells the public nothing shows the sign-in and nothing else', async () => {
    const closed = await startMock({ publicScopes: [] });
    const visitor = await Visitor.at(browser, closed.url, { width: 360 });
    await visitor.go('accounts');
    await visitor.sees('This node answers only those whom it knows.');
    assert.equal(await visitor.page.getByRole('navigation').count(), 0);
    await visitor.inspect('sign-in');
    await visitor.enterKey(closed.key);
    await visitor.heading('Accounts').waitFor();
    await visitor.leave();
    closed.close();
  });

  test('who comes back from a provider is signed in, once', async () => {
    const closed = await startMock({ publicScopes: [], providers: ['bank'] });
    const visitor = await Visitor.at(browser, closed.url, { width: 360, expected: (status, url) => status === 400 && url.endsWith('/token') });
    await visitor.go('accounts');
    const link = visitor.page.getByRole('link', { name: 'Sign in with bank' });
    assert.equal(await link.getAttribute('href'), '/api/v1/login/bank');
    await visitor.inspect('sign-in-provider');
    const back = `${closed.url}/#login=of-a-login_1`;
    await visitor.page.goto('about:blank');
    await visitor.page.goto(back);
    await visitor.heading('Overview').waitFor();
    assert.ok(!(await visitor.page.evaluate(() => location.href)).includes('login'));
    await visitor.go('access');
    await visitor.page.getByRole('button', { name: 'Sign out' }).click();
    await visitor.sees('You have signed out.');
    await visitor.page.goto('about:blank');
    await visitor.page.goto(back);
    await visitor.sees('You are not signed in: no such code, or it has ended');
    await visitor.leave();
    closed.close();
  });

  test('what the scopes do not allow is not offered', async () => {
    const visitor = await visit();
    await visitor.signIn(facts.reader.key);
    await visitor.sees('your key does not have it, and it takes it to manage API keys and sessions');
    for (const [address, scope] of [['send', 'transfer'], ['send/swap', 'swap'], ['send/liquidity', 'liquidity'], ['send/supply', 'issue'], ['send/account', 'account'], ['alerts', 'operate'], ['access/keys', 'admin'], ['access/sessions', 'admin'], ['access/audit', 'audit']]) {
      await visitor.go(address);
      await visitor.page.locator('.notice code', { hasText: scope }).waitFor();
      assert.equal(await visitor.page.locator('main form').count(), 0, address);
      await visitor.inspect(`without-${scope}`);
    }
    await visitor.leave();
  });
});

describe('orders', () => {
  test('a transfer, from its preview until it is final, by keyboard', async () => {
    const visitor = await signedIn({ expected: notYet });
    const { page } = visitor;
    await visitor.go('');
    await visitor.heading('Overview').waitFor();
    await page.reload();
    await visitor.heading('Overview').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.tagName === 'H1');
    await page.getByRole('link', { name: 'Send', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.tagName === 'H1' && document.activeElement.textContent === 'Send a transfer');
    await page.getByLabel('Receiver').fill(facts.receiver);
    await page.getByLabel('Amount').fill('1.25');
    await page.getByLabel('Asset').selectOption(facts.currency);
    await page.getByLabel('Reference').fill('RENT 11/26');
    await page.keyboard.press('Enter');
    const lines = await displayed(visitor);
    assert.deepEqual(lines.slice(0, 5), [['Operation', 'Transfer'], ['Send', `1.25 ${facts.currency}`], ['To', facts.receiver], ['For', 'RENT 11/26'], ['From', facts.sender]]);
    await page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Review');
    await visitor.inspect('send-review');
    await page.keyboard.press('Tab');
    assert.match(await page.evaluate(() => document.activeElement.textContent), /^Sign and send$/);
    await page.keyboard.press('Enter');
    await visitor.sees('It is final, in block');
    await visitor.inspect('send-final');
    await page.getByRole('group', { name: 'Result' }).locator('a[href^="#/transactions/"]').click();
    await visitor.heading('Transaction').waitFor();
    const found = await ask('GET', `/transaction/${new URL(page.url()).hash.split('/')[2]}`);
    assert.deepEqual(await displayed(visitor, 'The lines of clear signing'), found.summary.map(({ label, value }) => [label, value]));
    assert.equal(found.sender, facts.sender);
    await visitor.leave();
  });

  test('a swap in a pool, with its quote, until it is final', async (t) => {
    const pool = facts.pools.find(({ price_a_in_b: price }) => price);
    if (!pool) return t.skip('this ledger has no pool with reserves');
    const visitor = await signedIn({ expected: notYet });
    const { page } = visitor;
    await visitor.go(`pools/${pool.pool}`);
    await page.getByLabel(`Amount of ${pool.asset_a} to give`).fill('0.5');
    await visitor.sees('You receive about');
    const least = (await page.locator('dt', { hasText: 'At least' }).locator('+ dd').textContent()).replace(/\s/g, '').replace(pool.asset_b, '');
    await page.getByRole('button', { name: 'Review' }).click();
    const lines = await displayed(visitor);
    assert.deepEqual(lines.slice(0, 4), [['Operation', 'Swap'], ['Give exactly', `0.5 ${pool.asset_a}`], ['Receive at least', `${least} ${pool.asset_b}`], ['Pool', pool.pool]]);
    await visitor.inspect('swap-review');
    await page.getByRole('button', { name: 'Sign and send' }).click();
    await visitor.sees('It is final, in block');
    await visitor.sees('Amount out');
    await visitor.inspect('swap-final');
    return visitor.leave();
  });

  test('liquidity is added, and some of it removed', async (t) => {
    const pool = facts.pools.find(({ price_a_in_b: price }) => price);
    if (!pool) return t.skip('this ledger has no pool with reserves');
    const visitor = await signedIn({ expected: notYet });
    const { page } = visitor;
    await visitor.go('send/liquidity');
    const add = panel(page, 'Add');
    await add.getByLabel('Pool').selectOption(pool.pool);
    await add.getByLabel(`Give at most, of ${pool.asset_a}`).fill('2');
    await add.getByLabel(`Give at most, of ${pool.asset_b}`).fill('50');
    await add.getByRole('button', { name: 'Review' }).click();
    await visitor.sees('An amount was expected.');
    await page.waitForFunction(() => document.activeElement.id === 'add-min_shares');
    await add.getByLabel('Receive at least so many shares').fill('0');
    await add.getByRole('button', { name: 'Review' }).click();
    const lines = await displayed(visitor);
    assert.deepEqual(lines.slice(0, 5), [['Operation', 'Add liquidity'], ['Pool', pool.pool], ['Give at most', `2 ${pool.asset_a}`], ['Give at most', `50 ${pool.asset_b}`], ['Shares at least', '0']]);
    await visitor.inspect('liquidity-review');
    await add.getByRole('button', { name: 'Sign and send' }).click();
    await add.getByText('It is final, in block').waitFor();
    const remove = panel(page, 'Remove');
    await remove.getByLabel('Pool').selectOption(pool.pool);
    await remove.getByLabel('Shares to give back').fill('0.5');
    await remove.getByLabel(`Receive at least, of ${pool.asset_a}`).fill('0');
    await remove.getByLabel(`Receive at least, of ${pool.asset_b}`).fill('0.000001');
    await remove.getByRole('button', { name: 'Review' }).click();
    await remove.getByRole('button', { name: 'Sign and send' }).click();
    await remove.getByText('It is final, in block').waitFor();
    const { shares } = (await ask('GET', `/pool/${pool.pool}`));
    assert.notEqual(shares, pool.shares);
    await visitor.inspect('liquidity-final');
    return visitor.leave();
  });

  test('an issuer issues and burns', async (t) => {
    const asset = facts.assets.find(({ issuer }) => facts.custody.includes(issuer));
    if (!asset) return t.skip('no asset is of an account in custody');
    const visitor = await signedIn({ expected: notYet });
    const { page } = visitor;
    await visitor.go('send/supply');
    for (const [part, lines] of [['Issue', [['Amount', `7.5 ${asset.id}`], ['To', facts.receiver]]], ['Burn', [['Amount', `7.5 ${asset.id}`]]]]) {
      const order = panel(page, part);
      await order.getByLabel('Issuer').selectOption(asset.issuer);
      await order.getByLabel('Asset').selectOption(asset.id);
      if (part === 'Issue') await order.getByLabel('Receiver').fill(facts.receiver);
      await order.getByLabel('Amount').fill('7.5');
      await order.getByRole('button', { name: 'Review' }).click();
      assert.deepEqual((await displayed(visitor)).slice(0, lines.length + 1), [['Operation', part], ...lines]);
      await order.getByRole('button', { name: 'Sign and send' }).click();
      await order.getByText('It is final, in block').waitFor();
      await order.getByRole('button', { name: 'New order' }).click();
    }
    return visitor.leave();
  });

  test('an account is opened once', async () => {
    const visitor = await signedIn({ expected: (status, url) => notYet(status, url) || (status === 422 && url.includes('/account')) });
    const { page } = visitor;
    await visitor.go('send/account');
    const id = page.getByLabel('Account', { exact: true });
    if (isMock) {
      await id.fill('bank_004');
      await page.getByLabel('Documents').fill('passport, proof of address');
      await page.getByRole('button', { name: 'Review' }).click();
      assert.deepEqual((await displayed(visitor)).slice(0, 4), [['Operation', 'Create account'], ['Account', 'BANK_004'], ['Kind', 'individual'], ['KYC level', 'basic']]);
      await visitor.inspect('account-review');
      await page.getByRole('button', { name: 'Sign and send' }).click();
      await visitor.sees('It is final, in block');
      await page.getByRole('button', { name: 'New order' }).click();
    }
    await id.fill(facts.sender);
    await page.getByRole('button', { name: 'Review' }).click();
    // The ledger is asked when it is signed; the mock knows at once.
    if (!isMock) await page.getByRole('button', { name: 'Sign and send' }).click();
    await visitor.sees('The identifier must not be in use yet.');
    return visitor.leave();
  });

  test('wrong input is named at its field before the node is asked', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('send');
    const review = page.getByRole('button', { name: 'Review' });
    await review.click();
    await visitor.sees('Receiver: an identifier was expected.');
    await visitor.sees('An amount was expected.');
    await page.waitForFunction(() => document.activeElement.id === 'receiver');
    await page.getByLabel('Receiver').fill('ACC 1');
    for (const [amount, sentence] of [['1,5', 'without commas'], ['-1', 'Digits were expected'], ['1e3', 'Digits were expected'], ['0.0', 'More than zero'], ['1.0000000000000000001', 'at most 18']]) {
      await page.getByLabel('Amount').fill(amount);
      await review.click();
      await visitor.sees(sentence);
    }
    await visitor.sees('An identifier has 1 to 24 of the characters');
    await page.getByLabel('Reference').fill('Grüße');
    await review.click();
    await visitor.sees('letters, digits and signs of ASCII');
    await visitor.inspect('send-wrong');
    await visitor.leave();
  });

  test('what the node refuses is told in its words', async () => {
    const visitor = await signedIn({ expected: (status) => [404, 422].includes(status) });
    await visitor.go('send');
    await visitor.page.getByLabel('Receiver').fill('NOBODY_HERE');
    await visitor.page.getByLabel('Amount').fill('999999999999');
    await visitor.page.getByRole('button', { name: 'Review' }).click();
    const notice = visitor.page.getByRole('alert').filter({ hasText: 'must' });
    const signed = visitor.page.getByRole('button', { name: 'Sign and send' });
    await notice.or(signed).first().waitFor();
    if (await signed.isVisible()) await signed.click();
    await notice.waitFor();
    await visitor.inspect('send-refused');
    await visitor.leave();
  });

  test('an answer that got lost is asked for again under the same key of idempotency', async () => {
    const visitor = await signedIn({ expected: (status, url) => [0, 503].includes(status) && url.endsWith('/transaction') || notYet(status, url) });
    const { page } = visitor;
    const keys = [];
    await page.route('**/api/v1/transaction', async (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length === 1) return route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, json: { error: { code: 1135, name: 'CUSTODY_WAITS', sentence: 'The device must know the newest block; try again after the next one.', detail: '' } } });
      if (keys.length === 2) {
        await route.fetch();
        return route.abort();
      }
      return route.continue();
    });
    await visitor.go('send');
    await page.getByLabel('Receiver').fill(facts.receiver);
    await page.getByLabel('Amount').fill('0.75');
    await page.getByLabel('Asset').selectOption(facts.currency);
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Sign and send' }).click();
    await visitor.sees('The device must know the newest block');
    await page.getByRole('button', { name: 'Send again' }).click();
    await visitor.sees('The node did not answer.');
    await page.getByRole('button', { name: 'Send again' }).click();
    await visitor.sees('It is final, in block');
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    await page.getByRole('button', { name: 'New order' }).click();
    await page.getByLabel('Receiver').fill(facts.receiver);
    await page.getByLabel('Amount').fill('0.75');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Sign and send' }).click();
    await visitor.sees('It is final, in block');
    assert.notEqual(keys[3], keys[0], 'a new order has a key of its own');
    await visitor.leave();
  });
});

/** The first transaction of a live list is one that the node knows; where the newest blocks are empty, the list says so. */
async function newestTransaction({ page }) {
  const link = page.locator('a[href^="#/transactions/"]').first();
  await link.or(page.getByText('The newest blocks hold no transactions.')).first().waitFor();
  if (!await link.isVisible()) return;
  const { kind } = await ask('GET', `/transaction/${(await link.getAttribute('href')).split('/')[2]}`);
  await page.getByText(KINDS[kind] ?? kind).filter({ visible: true }).first().waitFor();
}

/** Each page with what it must show, learned from the node. */
async function pages() {
  const { sender, pools, assets, accounts, me } = facts;
  const { entries } = await ask('GET', `/history/${sender}?limit=1`);
  const [transaction] = entries;
  const [account, { balances }, block] = await Promise.all([
    ask('GET', `/account/${sender}`), ask('GET', `/holdings/${sender}`), ask('GET', `/block/${transaction.height}`),
  ]);
  const status = await ask('GET', '/status');
  const kind = KINDS[transaction.kind] ?? transaction.kind;
  const [pool] = pools;
  return [
    ['', 'Overview', 'overview', [status.chain_id, 'Age of the newest block', /of 100/, newestTransaction]],
    ['transactions', 'Transactions', 'transactions', [newestTransaction]],
    [`transactions/${transaction.id}`, 'Transaction', 'transaction', [transaction.id, kind, transaction.summary.at(-1).label]],
    ['blocks', 'Blocks', 'blocks', ['Proposer', 'Older']],
    [`blocks?before=${transaction.height + 1}`, 'Blocks', 'blocks-older', [short(block.id), 'Newer']],
    [`blocks/${transaction.height}`, `Block ${shown(transaction.height)}`, 'block', [block.id, block.state_root, short(transaction.id)]],
    ['accounts', 'Accounts', 'accounts', [accounts[0].id, accounts.at(-1).id]],
    [`accounts/${sender}`, sender, 'account', [account.keys[0].hash, balances[0].asset, short(transaction.id)]],
    [`accounts/${sender}?kind=set-frozen`, sender, 'account-filtered', ['No transaction of this account is as the filters ask.']],
    ['pools', 'Pools', 'pools', pool ? [pool.pool] : ['The ledger has no pools.']],
    ...(pool ? [
      [`pools/${pool.pool}?step=minute`, pool.pool, 'pool', [`Reserve of ${pool.asset_a}`, 'Fee of a swap', /The same as a table|Nobody has swapped/]],
      [`pools/${pool.pool}?step=day`, pool.pool, 'pool-day', [/The same as a table|Nobody has swapped/]],
    ] : []),
    ['assets', 'Assets', 'assets', assets.slice(0, 3).flatMap(({ id, max_supply: most }) => [id, shown(most)])],
    [`assets/${assets[0].id}`, assets[0].id, 'asset', [assets[0].issuer, shown(assets[0].max_supply)]],
    ['send', 'Send a transfer', 'send', ['Reference']],
    ['send/swap', 'Send a swap', 'send-swap', [pool ? 'The quote appears here' : 'The ledger has no pool to swap in.']],
    ['send/liquidity', 'Provide liquidity', 'send-liquidity', pool ? ['Shares to give back'] : ['The ledger has no pool for liquidity.']],
    ['send/supply', 'Issue or burn', 'send-supply', ['It is new: the supply grows by it.']],
    ['send/account', 'Open an account', 'send-account', ['the device keeps its key']],
    ['device', 'Device', 'device', [sender]],
    ['alerts', 'Alerts', 'alerts', [/Acknowledge|Silence|No alert is open/]],
    ['alerts?state=all', 'Alerts', 'alerts-all', ['All alerts']],
    ['validators', 'Validators', 'validators', [/Commission|work decides/]],
    ['access', 'Access', 'access', [me.principal, 'Token ends']],
    ['access/keys', 'API keys', 'keys', ['reads only', 'New key']],
    ['access/sessions', 'Sessions', 'sessions', [me.principal, 'your own']],
    ['access/audit', 'Audit log', 'audit', ['Key created', me.principal]],
    ['no/such', 'No such page', 'no-such', ['Go to the overview']],
  ];
}

// Over a real node each width and each scheme once: colours do not depend on what is shown.
const LOOKS = [[1280, 'light'], [360, 'dark'], ...(isMock ? [[1280, 'dark'], [360, 'light']] : [])];

describe('every page', () => {
  for (const [width, scheme] of LOOKS) {
    test(`shows what the node says, ${width} pixels wide, ${scheme}`, async () => {
      const visitor = await signedIn({ width, height: width < 500 ? 800 : 900, scheme });
      for (const [address, title, name, texts] of await pages()) {
        await visitor.go(address);
        await visitor.heading(title).waitFor();
        for (const text of texts) await visitor.sees(text);
        await visitor.settled();
        await visitor.inspect(name);
      }
      await visitor.leave();
    });
  }

  test('fits 320 pixels', async () => {
    const visitor = await signedIn({ width: 320, height: 640 });
    for (const [address, title, name] of await pages()) {
      await visitor.go(address);
      await visitor.heading(title).waitFor();
      await visitor.settled();
      await visitor.fits(name);
    }
    await visitor.leave();
  });

  test('the menu of a phone opens, leads on and closes', async () => {
    const visitor = await signedIn({ width: 360, height: 800 });
    const { page } = visitor;
    await page.getByRole('button', { name: 'Menu' }).click();
    await visitor.inspect('menu');
    await page.getByRole('link', { name: 'Validators' }).click();
    await visitor.heading('Validators').waitFor();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'hidden' });
    await visitor.leave();
  });

  test('the chosen theme is remembered', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await colour();
    await page.getByRole('button', { name: 'Use the Dark theme' }).click();
    const dark = await colour();
    assert.notEqual(light, dark);
    await page.reload();
    await page.getByRole('button', { name: 'Use the Light theme' }).waitFor();
    assert.equal(await colour(), dark);
    await visitor.leave();
  });
});

describe('lists', () => {
  test('an account is found by its id, and its history is filtered', async () => {
    const visitor = await signedIn({ expected: (status, url) => status === 404 && url.includes('/account/') });
    const { page } = visitor;
    const find = async (id) => {
      await visitor.go('accounts');
      await page.getByLabel('Account id').fill(id);
      await page.getByRole('button', { name: 'Show the account' }).click();
    };
    await find('not an id!');
    await visitor.sees('An identifier has 1 to 24 of the characters');
    await find('NOBODY_HERE');
    await visitor.sees('The account must exist.');
    await find(facts.sender.toLowerCase());
    await visitor.heading(facts.sender).waitFor();
    await page.getByLabel('Kind').selectOption('transfer');
    await page.getByLabel('From (UTC)').fill('2020-01-01T00:00');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/kind=transfer/);
    await page.getByRole('table', { name: `History of ${facts.sender}` }).getByRole('row').nth(1).waitFor();
    await page.getByLabel('Until (UTC)').fill('2020-01-02T00:00');
    await page.getByRole('button', { name: 'Filter' }).click();
    await visitor.sees('No transaction of this account is as the filters ask.');
    await visitor.leave();
  });

  test('blocks are turned over, and the way back is the same', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('blocks');
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(/before=/);
    const before = Number(/before=(\d+)/.exec(page.url())[1]);
    await page.getByRole('cell', { name: shown(before - 1), exact: true }).waitFor();
    await page.getByRole('link', { name: 'Newer' }).click();
    await page.waitForURL((url) => !url.href.endsWith(`before=${before}`));
    await visitor.leave();
  });

  test('accounts beyond the first part are shown on request', async (t) => {
    if (facts.accounts.length < 50) return t.skip('this ledger has fewer accounts than a part');
    const { accounts: [next] } = await ask('GET', `/accounts?limit=1&after=${facts.accounts.at(-1).id}`);
    if (!next) return t.skip('this ledger has no more accounts than a part');
    const visitor = await signedIn();
    await visitor.go('accounts');
    await visitor.page.getByRole('button', { name: 'Show more accounts' }).click();
    await visitor.sees(next.id);
    return visitor.leave();
  });

  test('the list of transactions is live, and stands still while it is paused', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('transactions');
    const first = page.locator('tbody tr td:nth-child(2)').first();
    const send = async (amount) => {
      const body = { sender: facts.sender, receiver: facts.receiver, amount, currency: facts.currency };
      const response = await fetch(`${node.url}/api/v1/transaction`, { method: 'POST', headers: { Authorization: `Bearer ${node.key}`, 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }, body: JSON.stringify(body) });
      return (await response.json()).id;
    };
    await visitor.sees('Live');
    const id = await send('0.011');
    await visitor.sees(short(id));
    await page.getByRole('button', { name: 'Pause' }).click();
    const stood = await first.textContent();
    const later = await send('0.012');
    await visitor.sees(/[1-9]\d* came since you paused/);
    assert.equal(await first.textContent(), stood);
    await page.getByRole('button', { name: 'Resume' }).click();
    await visitor.sees(short(later));
    await visitor.leave();
  });
});

describe('operation', () => {
  test('a key is created, shown once, and revoked', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('access/keys');
    await page.getByRole('button', { name: 'Create the key' }).click();
    await visitor.sees('A name of 1 to 64 characters was expected.');
    await visitor.sees('A role or at least one scope was expected.');
    const name = `desk ${Date.now()}`;
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Role').selectOption('bank');
    await page.getByLabel('Accounts').fill(`${facts.sender}, ${facts.receiver}`);
    await page.getByLabel('Expires').selectOption('86400');
    await page.getByRole('button', { name: 'Create the key' }).click();
    const key = await page.locator('.secret').textContent();
    assert.match(key, /^qnx_[^_]+_/);
    await visitor.inspect('key-created');
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row').filter({ hasText: name });
    await row.getByText('active').waitFor();
    assert.equal(await page.getByText(key).count(), 0);
    await row.getByRole('button', { name: 'Revoke' }).click();
    await row.getByRole('button', { name: 'Yes, revoke' }).click();
    await row.getByText('revoked').waitFor();
    const made = (await ask('GET', '/keys')).find((one) => one.name === name);
    assert.ok(made.revoked_ms);
    assert.deepEqual([...made.accounts].sort(), [facts.sender, facts.receiver].sort());
    await visitor.leave();
  });

  test('a session of somebody else is ended', async () => {
    const [other, visitor] = [await visit({ expected: (status) => status === 401 }), await signedIn()];
    await other.signIn(facts.reader.key);
    const { page } = visitor;
    await visitor.go('access/sessions');
    const row = page.getByRole('row').filter({ hasText: `key:${facts.reader.id}` }).filter({ hasText: 'active' }).first();
    await row.getByRole('button', { name: 'Revoke' }).click();
    await visitor.inspect('session-revoke');
    await row.getByRole('button', { name: 'Yes, revoke' }).click();
    await page.getByRole('row').filter({ hasText: `key:${facts.reader.id}` }).getByText('revoked').first().waitFor();
    await other.leave();
    await visitor.leave();
  });

  test('an alert is acknowledged and silenced', async (t) => {
    const { alerts } = await ask('GET', '/alerts?state=open');
    const alert = alerts.find(({ acknowledged_by: by, silenced_until_ms: until }) => !by && !until);
    if (!alert || !facts.me.scopes.includes('operate')) return t.skip('this node has no open alert');
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('alerts');
    await page.getByRole('button', { name: `Acknowledge ${alert.summary}` }).click();
    const row = page.getByRole('article').filter({ hasText: alert.summary });
    await row.getByText(`acknowledged by ${facts.me.principal}`).waitFor();
    await row.getByRole('button', { name: 'Silence' }).click();
    await row.getByText('silenced until').waitFor();
    return visitor.leave();
  });

  test('the newest block arrives by the stream', async () => {
    const visitor = await signedIn();
    const { page } = visitor;
    await visitor.go('');
    const height = page.locator('.figures dd').nth(1);
    await height.waitFor();
    const began = await height.textContent();
    await page.waitForFunction((text) => document.querySelectorAll('.figures dd')[1].textContent !== text, began);
    await visitor.leave();
  });

  test('a stream that broke is taken up again', async (t) => {
    if (!isMock) return t.skip('only the mock can be told to break it');
    const visitor = await signedIn({ expected: (status, url) => status === 0 && url.includes('/api/') });
    await visitor.sees('Live');
    node.drop();
    await visitor.sees('Not live');
    await visitor.sees('Live');
    return visitor.leave();
  });
});

// What the node answers is made up in the browser, so that one node is as good as another.
describe('a node that cannot answer', { skip: !isMock }, () => {
  const ended = { status: 401, json: { error: { code: 1121, name: 'UNAUTHENTICATED', sentence: 'A request must carry an API key or a token that counts, or ask for what is public.', detail: '' } } };
  const refusal = (status, sentence) => ({ status, headers: { 'Retry-After': '1' }, json: { error: { code: 1124, name: 'REFUSED', sentence, detail: '' } } });

  for (const [status, sentence] of [[429, 'A caller may make so many requests a minute; Retry-After says when the next one is taken.'], [503, 'The device must know the newest block; try again after the next one.']]) {
    test(`is asked again after ${status}, when it said so`, async () => {
      const visitor = await signedIn({ expected: (got) => got === status });
      let refused = 0;
      await visitor.page.route('**/api/v1/validators', (route) => {
        refused += 1;
        return refused < 3 ? route.fulfill(refusal(status, sentence)) : route.continue();
      });
      await visitor.go('validators');
      await visitor.sees(sentence);
      await visitor.page.getByRole('table', { name: 'Validators' }).waitFor();
      assert.equal(refused, 3);
      await visitor.leave();
    });
  }

  test('says so, and is asked again by a button', async () => {
    const visitor = await signedIn({ expected: (_, url) => url.includes('/accounts') });
    let down = true;
    await visitor.page.route('**/api/v1/accounts**', (route) => (down ? route.abort() : route.continue()));
    await visitor.go('accounts');
    await visitor.sees('The node did not answer.');
    await visitor.inspect('no-answer');
    down = false;
    await visitor.page.getByRole('button', { name: 'Try again' }).click();
    await visitor.sees(facts.accounts[0].id);
    await visitor.leave();
  });

  test('no longer takes a token: the key, while it is known, gets another one unnoticed', async () => {
    const visitor = await signedIn({ expected: (status) => status === 401 });
    let refused = 0;
    await visitor.page.route('**/api/v1/validators', (route) => {
      refused += 1;
      return refused === 1 ? route.fulfill(ended) : route.continue();
    });
    const renewed = visitor.page.waitForRequest('**/api/v1/token');
    await visitor.go('validators');
    await renewed;
    await visitor.page.getByRole('table', { name: 'Validators' }).waitFor();
    await visitor.go('access');
    await visitor.page.getByRole('button', { name: 'Sign out' }).waitFor();
    await visitor.leave();
  });

  test('ends a session: the page says so and asks for the key', async () => {
    const visitor = await signedIn({ expected: (status) => status === 401 });
    await visitor.page.reload();
    await visitor.page.getByRole('button', { name: 'Sign out' }).waitFor();
    await visitor.page.route('**/api/v1/validators', (route) => route.fulfill(ended));
    await visitor.go('validators');
    await visitor.sees('A request must carry an API key or a token that counts');
    await visitor.go('access');
    await visitor.sees('Your session has ended. Sign in again to go on.');
    await visitor.leave();
  });
});

test('the console gets along with a caller’s default limit', async () => {
  const visitor = await visit();
  const asked = [];
  visitor.page.on('request', (request) => request.url().includes('/api/') && asked.push(request.url()));
  await visitor.signIn(node.key);
  for (const [address, title] of await pages()) {
    await visitor.go(address);
    await visitor.heading(title).waitFor();
    await visitor.settled();
  }
  assert.ok(asked.length < 100, `${asked.length} requests for all pages:\n${asked.join('\n')}`);
  await visitor.leave();
});
