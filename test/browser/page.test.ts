/// <reference lib="dom" />
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ReloaderStatus } from '../../src/public';
import { StatusServer, type ReportView } from '../../src/status';
import { startReceiver } from '../support/receiver';
import { hasChromium, startChromium } from './chromium';
import { badDay, certificate, fingerprintOf, sampleView } from './sample';

/** Set to keep pictures of the page. */
const pictures = process.env['SCREENSHOTS'];

describe.skipIf(!hasChromium)('the page in Chromium (needs Debian package chromium)', () => {
  let browser: { context: BrowserContext; stop: () => Promise<void> };
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.stop());

  /** A server that shows what the test says, and the page of it. */
  async function opened(
    view: () => ReportView,
    options: { width?: number; dark?: boolean; before?: (page: Page) => Promise<void> } = {},
  ) {
    const server = new StatusServer({
      backend: {
        reload: () => Promise.resolve(null),
        command: ({ verb, name }) => `${verb} ${name}`,
        view,
        poll: () => Promise.resolve([]),
        history: () => Promise.resolve({ entries: [], is_cut: false }),
      },
      say: () => undefined,
    });
    onTestFinished(() => server.close());
    await server.setAddresses(['127.0.0.1:0']);
    const page = await browser.context.newPage();
    onTestFinished(() => page.close());
    const troubles: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    const url = `http://${server.addresses[0] ?? ''}/`;
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    await page.setViewportSize({ width: options.width ?? 1280, height: 900 });
    await page.emulateMedia({ colorScheme: options.dark === true ? 'dark' : 'light' });
    await options.before?.(page);
    await page.goto(url);
    await page.waitForFunction(() => (document.querySelector('#count')?.textContent ?? '') !== '');
    return { page, server, troubles, foreign, url };
  }

  const names = (page: Page) => page.locator('.row .name').allInnerTexts();

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  it('shows the most urgent first, and says in words what differs', async () => {
    const { page, troubles, foreign } = await opened(() => sampleView(badDay()));
    expect((await names(page)).slice(0, 3)).toEqual([
      'legacy.example.com',
      'shop.example.com',
      'api.example.com',
    ]);
    const shop = page.locator('.row', { hasText: 'shop.example.com' }).first();
    expect(await shop.innerText()).toContain('Not served');
    expect(await shop.locator('.differs').innerText()).toContain('served ≠');
    expect(await page.locator('.row', { hasText: 'api.example.com' }).first().innerText()).toContain(
      'does not belong to its certificate',
    );
    expect(await page.locator('#sources').innerText()).toContain('connection refused');
    expect(await page.locator('#events').innerText()).toContain('Rolled back');
    expect(await page.locator('#facts').innerText()).toMatch(/Who writes\s+this gateway/);
    await picture(page, 'light');
    expect(troubles).toEqual([]);
    expect(foreign).toEqual([]);
  });

  it('goes with the dark of the system, and with what is chosen', async () => {
    const { page } = await opened(() => sampleView(badDay()), { dark: true });
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    expect(await theme()).toBe('dark');
    await picture(page, 'dark');
    await page.click('#theme');
    expect(await theme()).toBe('light');
    await page.reload();
    expect(await theme()).toBe('light');
    await page.evaluate(() => localStorage.clear());
  });

  it('fits a phone without scrolling sideways', async () => {
    const { page } = await opened(() => sampleView(badDay()), { width: 390 });
    const [inner, scroll] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    expect(scroll).toBeLessThanOrEqual(inner);
    await picture(page, 'phone');
  });

  it('finds by name, fingerprint and reason', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    for (const [query, found] of [
      ['static', 'www.example.com'],
      ['key_mismatch', 'api.example.com'],
      [fingerprintOf('mail.example.com').slice(0, 11).toLowerCase(), 'mail.example.com'],
    ] as const) {
      await page.fill('#query', query);
      expect(await names(page)).toEqual([expect.stringContaining(found)]);
    }
    await page.fill('#query', 'there is no such thing');
    expect(await page.locator('#empty').innerText()).toBe('Nothing matches.');
  });

  it('narrows to a state', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    await page.click('[data-state="refused"]');
    expect(await names(page)).toEqual(['api.example.com']);
    expect(await page.locator('[data-state="refused"]').getAttribute('aria-pressed')).toBe('true');
  });

  it('is used with the keyboard alone', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    await page.keyboard.press('/');
    await page.keyboard.type('shop');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const line = page.locator('.line').first();
    expect(await line.getAttribute('aria-expanded')).toBe('true');
    expect(await page.locator('.details').innerText()).toContain(fingerprintOf('shop.example.com'));
    await picture(page, 'details');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('line');
    await page.keyboard.press('ArrowUp');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('query');
    await page.keyboard.press('Escape');
    expect(await names(page)).toHaveLength(badDay().length);
    expect(await page.locator('.details').count()).toBe(0);
  });

  it('shows names and messages as text, whatever stands in them', async () => {
    const evil = '<img src=x onerror="document.title=\'evil\'">';
    const { page } = await opened(() =>
      sampleView([
        certificate(evil, 3, {
          state: 'refused',
          refusal: { reason: 'expired', message: evil, at: new Date().toISOString(), is_standing: true },
        }),
      ]),
    );
    await page.click('.line');
    expect(await page.locator('.row img').count()).toBe(0);
    expect(await page.title()).not.toBe('evil');
    expect(await page.locator('.why').innerText()).toBe(evil);
  });

  it('runs no script but its own, and asks nobody else, should something get into it all the same', async () => {
    const other = await startReceiver();
    const { page } = await opened(() => sampleView(badDay()));
    await page.evaluate(async (url) => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "evil"';
      document.body.append(script);
      const div = document.createElement('div');
      div.innerHTML = '<img src="/x.png" onerror="document.title = \'evil\'">';
      document.body.append(div);
      await fetch(url, { method: 'POST', mode: 'no-cors', body: '{}' }).catch(() => undefined);
    }, other.url);
    expect(other.received).toEqual([]);
    expect(await page.title()).toBe('1 expired · Certificates · ssl-cert-reloader');
  });

  it('updates itself, and keeps what is open and where the keyboard is', async () => {
    let certificates = badDay();
    const { page } = await opened(() => sampleView(certificates));
    await page.locator('.line', { hasText: 'mail.example.com' }).click();
    certificates = certificates.map((one) =>
      one.snis[0] === 'shop.example.com' ? certificate('shop.example.com', 71) : one,
    );
    await page.waitForFunction(() => document.querySelector('[data-state="not_served"]') === null);
    expect(await page.locator('.details').innerText()).toContain(fingerprintOf('mail.example.com'));
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('mail.example.com');
  });

  it('says that the plugin does not answer, and keeps what it knew', async () => {
    const { page, server } = await opened(() => sampleView(badDay()));
    await server.setAddresses([]);
    await page.locator('#alarm', { hasText: 'has not answered since' }).waitFor();
    expect(await names(page)).toHaveLength(badDay().length);
    await picture(page, 'away');
  });

  it('says what the plugin waits for, and that there is nothing yet', async () => {
    const { page } = await opened(() => ({
      ...sampleView([]),
      reloaders: [],
      kong: null,
      waiting: 'connection refused',
    }));
    expect(await page.locator('#alarm').innerText()).toContain('connection refused');
    expect(await page.locator('#empty').innerText()).toContain('There are no certificates yet');
    await picture(page, 'waiting');
  });

  it('says that the plugin does not answer where it hangs, and goes on when it is back', async () => {
    let isHanging = false;
    const { page } = await opened(() => sampleView(badDay()), {
      before: async (page) => {
        await page.addInitScript(() => {
          const timeout = AbortSignal.timeout.bind(AbortSignal);
          AbortSignal.timeout = (ms) => timeout(ms / 20);
        });
        await page.route('**/status', (route) => (isHanging ? undefined : route.continue()));
      },
    });
    const alarm = page.locator('#alarm');
    expect(await alarm.isHidden()).toBe(true);
    isHanging = true;
    await alarm.filter({ hasText: 'has not answered since' }).waitFor();
    isHanging = false;
    await alarm.waitFor({ state: 'hidden' });
  });

  it.each<[string, Partial<ReloaderStatus>, string, string]>([
    [
      'another gateway writes',
      { leader: { is_leader: false, holder: 'kong-7c9f_42', error: null } },
      'another gateway, kong-7c9f_42; this one looks on',
      '',
    ],
    [
      'the Lease cannot be had',
      { leader: { is_leader: false, holder: null, error: 'leases is forbidden' } },
      'not this gateway: leases is forbidden',
      'This gateway writes nothing: leases is forbidden',
    ],
    ['it only observes', { mode: 'observe' }, 'nobody: this one only observes', ''],
    [
      'a pass failed',
      {
        last_pass: {
          cause: 'poll',
          started_at: new Date().toISOString(),
          duration_ms: 3,
          error: 'Kong answered 401',
        },
      },
      'Kong answered 401',
      'what is shown may be out of date: Kong answered 401',
    ],
    [
      'clients without SNI get an old certificate',
      {
        default_certificate: {
          state: 'reload_pending',
          files: [],
          reloaded_at: null,
          detail: 'reload Kong for /etc/kong/default.crt',
        },
      },
      'reload Kong for /etc/kong/default.crt',
      '',
    ],
    [
      'the declarative file lacks a certificate',
      {
        declarative_file: {
          file: '/etc/kong/kong.yml',
          written_at: null,
          trouble: null,
          left: [{ certificate_id: 'c1', why: 'it stands there as a variable' }],
        },
      },
      'c1 is not in it: it stands there as a variable',
      '',
    ],
  ])('says that %s', async (_, more, fact, alarm) => {
    const { page, troubles } = await opened(() => sampleView(badDay(), more));
    expect(await page.locator('#facts').innerText()).toContain(fact);
    expect(await page.locator('#alarm').innerText()).toContain(alarm);
    expect(await page.locator('#alarm').isHidden()).toBe(alarm === '');
    expect(troubles).toEqual([]);
  });

  it('says why a certificate waits, and what one should know about it', async () => {
    const { page } = await opened(() =>
      sampleView([
        certificate('a.example.com', 50, { state: 'pending', note: 'another gateway writes it: kong-1' }),
        certificate('b.example.com', 60, { snis: [], note: 'it has no SNI' }),
      ]),
    );
    expect(await page.locator('.why').allInnerTexts()).toEqual(['another gateway writes it: kong-1']);
    await page.locator('.line').nth(1).click();
    expect(await page.locator('.details').innerText()).toContain('it has no SNI');
  });

  it('has what expired and what ends soon as states of their own, in the title and in the search, too', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    expect(await page.title()).toMatch(/^1 expired · /);
    await page.locator('[data-state="expired"]').click();
    expect(await names(page)).toEqual(['legacy.example.com']);
    expect(await page.locator('.row').first().innerText()).toMatch(
      /Expired[^]*expired \d days ago[^]*until .*\d:\d\d/,
    );
    await page.locator('[data-state="expired"]').click();
    await page.locator('#query').fill('expired');
    expect(await names(page)).toContain('legacy.example.com');
  });

  it('says of when it is while Kong is away, and shows everything that was known', async () => {
    const view = sampleView(badDay());
    const away = {
      ...view,
      kong: null,
      waiting: 'connection refused',
      reloaders: view.reloaders.map((one) => ({ ...one, is_current: false, known_at: view.generated_at })),
    };
    const { page } = await opened(() => away);
    expect(await names(page)).toHaveLength(badDay().length);
    expect(await page.locator('#alarm').innerText()).toMatch(
      /connection refused\. This is how it was at .*\d:\d\d/,
    );
  });

  it('marks the certificate of the source where that is refused, and not the last good one', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    const api = page.locator('.row', { hasText: 'api.example.com' }).first();
    expect(await api.locator('.differs').allInnerTexts()).toEqual([expect.stringContaining('source')]);
  });

  it('puts a pair that has expired and is not in Kong after what Kong serves', async () => {
    const { page } = await opened(() =>
      sampleView([
        certificate('spare.example.com', -40, { state: 'refused', certificate_id: null, stored: null }),
        certificate('www.example.com', -1),
      ]),
    );
    expect(await names(page)).toEqual(['www.example.com', 'spare.example.com']);
  });

  it('stays usable with 10,000 certificates', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      certificate(`host-${index}.example.com`, 30 + (index % 60)),
    );
    const { page } = await opened(() => sampleView(many));
    expect(await page.locator('.row').count()).toBe(100);
    await page.fill('#query', 'host-9876.');
    expect(await names(page)).toEqual(['host-9876.example.com']);
    await page.fill('#query', '');
    await page.click('#more');
    expect(await page.locator('.row').count()).toBe(200);
  });
});
