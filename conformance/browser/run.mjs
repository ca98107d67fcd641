// Look at the explorer in a real browser: `node run.mjs [URL] [--shots FOLDER]`, or BANYAN_URL.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { accountOf, call, deployment, devAccount, payment } from './payment.mjs';

const words = process.argv.slice(2);
const shotsAt = words.indexOf('--shots');
const shots = shotsAt < 0 ? undefined : words.splice(shotsAt, 2)[1];
const url = (words[0] ?? process.env.BANYAN_URL ?? 'http://127.0.0.1:3013').replace(/\/$/, '');
if (shots) mkdirSync(shots, { recursive: true });

const WIDTHS = [360, 1440];
const PATIENCE_MS = 30_000;
const COIN = 10n ** 18n;

const ask = async (path, body) => {
  const init = body && { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(url + path, init);
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response.json();
};

const payer = devAccount();
const friend = accountOf(randomBytes(32));
const { network_id: networkId, ledger: rootName } = await ask('/banyan/v1/status');
const home = `/l/${rootName}`;

/** Send what `make` makes for a nonce. With a level, wait until the transaction has it. */
const send = async (make, level) => {
  const { next_nonce: nonce } = await ask(`/banyan/v1/accounts/${payer.address}`);
  const { items } = await ask(`/banyan/v1/transactions${level ? `?wait=${level}` : ''}`, { txs: [make(nonce)] });
  assert.ok(items[0].hash, JSON.stringify(items[0]));
  return items[0];
};

/** Pay, and give the hash. */
const pay = async (amount, { payload, level } = {}) =>
  (await send((nonce) => payment({ from: payer, to: friend, amount, nonce, networkId, payload }), level)).hash;

const flat = (nodes) => nodes.flatMap((node) => [node, ...flat(node.children)]);
const tree = flat(await ask('/banyan/v1/tree'));
const child = tree.find((node) => node.associate);
const sent = await pay(COIN, { level: 'ordered' });
const { block } = await ask(`/banyan/v1/transactions/${sent}`);

// A counter that begins with 40 and has counted 2 more.
const code = readFileSync(new URL('../../shell/banyan/tests/data/Counter.aeb', import.meta.url), 'utf8').trim();
const made = await send((nonce) => deployment({ from: payer, code, numbers: [40], nonce, networkId }), 'ordered');
const [contract] = made.status.receipt.created;
const { functions } = await ask(`/banyan/v1/contracts/${contract}/interface`);
const name = functions.find((known) => known.name === 'count').id;
const count = (by, level) => send((nonce) => call({ from: payer, contract, name, numbers: [by], nonce, networkId }), level);
const counted = await count(2, 'ordered');

/** Every kind of page, by a name for its picture. */
const pages = {
  tree: '/',
  root: home,
  blocks: `${home}/blocks`,
  'key-block': `${home}/block/1`,
  'micro-block': `${home}/block/${block.hash}`,
  transaction: `${home}/tx/${sent}`,
  account: `${home}/account/${payer.address}`,
  'new-account': `${home}/account/${accountOf(randomBytes(32)).address}`,
  waiting: `${home}/mempool`,
  contract: `${home}/contract/${contract}`,
  deployment: `${home}/tx/${made.hash}`,
  call: `${home}/tx/${counted.hash}`,
  ...(child && {
    child: child.url,
    'child-block': `${child.url}/block/${child.top.hash}`,
    associate: `${home}/associates/${child.associate}`,
  }),
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A page that remembers everything that went wrong on it. */
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => request.url().startsWith(url) || wrong.push(`asks ${request.url()}`));
  page.on('response', (response) => response.status() >= 400 && wrong.push(`${response.status()} ${response.url()}`));
  return { context, page, wrong };
};

const checks = {
  'every page loads without an error and asks no other host': async () => {
    const { context, page, wrong } = await open();
    for (const path of Object.values(pages)) {
      await page.goto(url + path);
      await page.locator('h1').first().waitFor();
      await page.waitForFunction(() => document.documentElement.classList.contains('js'));
      assert.deepEqual(wrong, [], path);
    }
    await context.close();
  },
  'no page is wider than its window': async () => {
    for (const width of WIDTHS) {
      for (const colorScheme of ['light', 'dark']) {
        const { context, page } = await open({ viewport: { width, height: 900 }, colorScheme });
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(url + path);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(wide <= 0, `${name} is ${wide} px wider than ${width}`);
          if (shots) await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
        await context.close();
      }
    }
  },
  'a payment shows up live, without a reload': async () => {
    const { context, page, wrong } = await open();
    await page.goto(url + home);
    await page.evaluate(() => { window.sameDocument = true; });
    const digits = 100_001 + 10 * Math.floor(Math.random() * 80_000);
    await pay(BigInt(digits) * (COIN / 1_000_000n));
    await page.locator('#payments li', { hasText: `pays 0.${digits} BNY` }).waitFor();
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    assert.deepEqual(wrong, []);
    await context.close();
  },
  'heights count up live on the tree map': async () => {
    const { context, page } = await open();
    await page.goto(`${url}/`);
    const height = () => page.locator(`[data-key="node-${rootName}"] .height`).textContent();
    const before = await height();
    await page.waitForFunction(([key, was]) => document.querySelector(`[data-key="${key}"] .height`).textContent !== was,
      [`node-${rootName}`, before]);
    await context.close();
  },
  'a transaction climbs its ladder live': async () => {
    const hash = await pay(3n);
    const { context, page } = await open();
    await page.goto(`${url}${home}/tx/${hash}`);
    await page.locator('#standing .level.root_final').waitFor();
    await context.close();
  },
  'an account counts a payment live': async () => {
    const { context, page } = await open();
    await page.goto(`${url}${home}/account/${friend.address}`);
    const before = await page.locator('#balance').textContent();
    await pay(COIN);
    await page.waitForFunction((was) => document.querySelector('#balance').textContent !== was, before);
    await context.close();
  },
  'a call reads as a person would write it': async () => {
    const { context, page, wrong } = await open();
    await page.goto(`${url}${home}/tx/${counted.hash}`);
    const text = await page.locator('main').textContent();
    for (const part of ['count(2)', '42', 'counted']) assert.ok(text.includes(part), `${part} is not on the page of a call`);
    await page.locator(`a[href$="/contract/${contract}"]`).first().waitFor();
    assert.deepEqual(wrong, []);
    await context.close();
  },
  'a contract shows its functions, its life and its calls, live': async () => {
    const { context, page, wrong } = await open();
    await page.goto(`${url}${home}/contract/${contract}`);
    const text = await page.locator('main').textContent();
    for (const part of ['count(int) : int', 'up to height', 'Incognito']) assert.ok(text.includes(part), `${part} is not on the page of a contract`);
    await page.locator('#calls li', { hasText: 'count(2)' }).waitFor();
    await count(5);
    await page.locator('#calls li', { hasText: 'count(5)' }).waitFor();
    assert.deepEqual(wrong, []);
    await context.close();
  },
  'text of the chain is never markup': async () => {
    const text = '<script>window.taken=1</script><img src=x onerror="window.taken=2">"\'&amp;';
    const hash = await pay(1n, { payload: text, level: 'ordered' });
    const { context, page, wrong } = await open();
    await page.goto(`${url}${home}/tx/${hash}`);
    assert.equal(await page.locator('blockquote').textContent(), text);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.evaluate(() => window.taken), undefined);
    assert.deepEqual(wrong, []);
    await page.goto(`${url}${home}/search?q=${encodeURIComponent(text)}`);
    assert.equal(await page.locator('main img, main script').count(), 0);
    await context.close();
  },
  'the policy lets no other script run': async () => {
    const { context, page } = await open();
    const response = await page.goto(`${url}/`);
    assert.match(response.headers()['content-security-policy'], /^default-src 'self'/);
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.taken = 1';
      document.body.append(script);
      return window.taken;
    });
    assert.equal(ran, undefined);
    await context.close();
  },
  'it works with script off': async () => {
    const { context, page } = await open({ javaScriptEnabled: false });
    await page.goto(`${url}/`);
    await page.locator('.map a', { hasText: rootName }).first().click();
    await page.locator('#blocks tbody a').first().click();
    await page.getByRole('heading', { name: /block/ }).first().waitFor();
    await page.getByRole('searchbox').fill('0');
    await page.getByRole('searchbox').press('Enter');
    await page.getByRole('heading', { name: /block 0/ }).waitFor();
    assert.equal(await page.locator('button.copy').first().isVisible(), false);
    await context.close();
  },
  'a search finds whatever it names': async () => {
    const { context, page } = await open();
    const rows = [['1', /block 1/], [sent, /pays/], [payer.address, /BNY/], [block.hash, /block/], [rootName, new RegExp(rootName)]];
    for (const [text, heading] of rows) {
      await page.goto(`${url}/`);
      await page.getByRole('searchbox').fill(text);
      await page.getByRole('searchbox').press('Enter');
      await page.waitForURL((now) => now.pathname !== '/');
      assert.match(await page.locator('h1').textContent(), heading, text);
    }
    await context.close();
  },
  'what is not there says so kindly': async () => {
    const { context, page } = await open();
    for (const path of ['/nowhere', `${home}/block/999999999`, `${home}/tx/th_mistyped`, `${home}/account/${payer.address.slice(0, -1)}`]) {
      const response = await page.goto(url + path);
      assert.ok(response.status() >= 400 && response.status() < 500, path);
      await page.locator('.failed h1').waitFor();
      if (shots) await page.screenshot({ path: `${shots}/failed.png` });
    }
    await context.close();
  },
  'the keyboard reaches the content first': async () => {
    const { context, page } = await open();
    await page.goto(`${url}/`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await context.close();
  },
};

let passed = 0;
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  const begun = Date.now();
  try {
    await check();
    passed += 1;
    console.log(`ok    ${name} (${Date.now() - begun} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${error.stack ?? error}`);
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
