// A browser at the console, and what is watched while a test drives it: errors on its console, violations of the content security policy,
// requests that failed, pages that scroll sideways, and what axe finds against WCAG 2.1 A and AA.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';

// Generous: it bounds a test that hangs, and nothing is asserted about it.
const PATIENCE_MS = 60_000;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];

export function launch() {
  const root = process.getuid?.() === 0;
  return chromium.launch({ executablePath: process.env.QENEX_CHROMIUM ?? '/usr/bin/chromium', args: root ? ['--no-sandbox'] : [] });
}

export class Visitor {
  /** expected(status, url): answers that the test itself provokes. */
  static async at(browser, url, { width = 1280, height = 900, scheme = 'light', expected = () => false, options = {} } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Visitor(context, await context.newPage(), url, expected, `${scheme}-${width}`);
  }

  constructor(context, page, url, expected, name) {
    Object.assign(this, { context, page, url, name, trouble: [] });
    page.on('console', (message) => {
      // The browser logs every answer of 400 and more; those are judged below, where it is known which.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.trouble.push(message.text());
    });
    page.on('pageerror', (error) => this.trouble.push(error.stack));
    page.on('requestfailed', (request) => {
      // Nobody wants the answer any more: the page was left, or ended its stream because somebody else signed in.
      const aborted = request.failure().errorText === 'net::ERR_ABORTED';
      if (!aborted && !expected(0, request.url())) this.trouble.push(`${request.url()}: ${request.failure().errorText}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400 && !expected(response.status(), response.url())) this.trouble.push(`${response.status()} ${response.url()}`);
    });
  }

  async go(address) {
    await this.page.goto(`${this.url}/#/${address}`);
  }

  heading(name) {
    return this.page.getByRole('heading', { level: 1, name, exact: true });
  }

  /** A text somewhere on the page, seen; or what a function waits for. */
  async sees(text) {
    if (typeof text === 'function') return text(this);
    return this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Nothing is on its way any more. */
  async settled() {
    await this.page.waitForFunction(() => !document.querySelector('main [role=status].empty'));
  }

  async signIn(key) {
    await this.go('access');
    await this.enterKey(key);
    await this.page.getByRole('button', { name: 'Sign out' }).waitFor();
  }

  async enterKey(key) {
    await this.page.getByLabel('API key').fill(key);
    await this.page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
  }

  /** Nothing is beyond the right edge. */
  async fits(name) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${name} scrolls sideways by ${wide} pixels at ${this.name}`);
  }

  /** What must be so of every page. */
  async inspect(name) {
    await this.fits(name);
    if (process.env.QENEX_SCREENSHOTS) await this.picture(name);
    // The pages have no frames, whose findings would be put together on another page.
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode(true).withTags(RULES).analyze();
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`);
    assert.deepEqual(told, [], `${name} at ${this.name}`);
    assert.deepEqual(this.trouble, [], `${name} at ${this.name}`);
  }

  async picture(name) {
    mkdirSync(process.env.QENEX_SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(process.env.QENEX_SCREENSHOTS, `${name}-${this.name}.png`), fullPage: true });
  }

  async leave() {
    await this.context.close();
    assert.deepEqual(this.trouble, [], `at ${this.name}`);
  }
}
