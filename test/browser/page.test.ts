/// <reference lib="dom" />
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ReloaderStatus } from '../../src/public';
import { KnowledgeFile, StatusServer, type ReportView } from '../../src/status';
import { testFolder } from '../support/folders';
import { entry, PLACE, remembered } from '../support/known-entry';
import { startReceiver } from '../support/receiver';
import { hasChromium, startChromium } from './chromium';
import { badDay, certificate, entryView, fingerprintOf, historyOf, sampleView } from './sample';

interface Options {
  width?: number;
  dark?: boolean;
  languages?: readonly string[];
  /** The view of the page. */
  hash?: string;
  before?: (page: Page) => Promise<void>;
}

/** Set to keep pictures of the page. */
const pictures = process.env['SCREENSHOTS'];

describe.skipIf(!hasChromium)('the page in Chromium (needs Debian package chromium)', () => {
  let browser: { context: BrowserContext; stop: () => Promise<void> };
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.stop());

  /** A server that shows what the test says, and the page of it. */
  async function opened(view: () => ReportView, options: Options = {}) {
    const server = new StatusServer({
      backend: {
        reload: () => Promise.resolve(null),
        command: ({ verb, name }) => `${verb} ${name}`,
        view,
        poll: () => Promise.resolve([]),
        history: ({ name = '' }) => Promise.resolve({ entries: historyOf(name), is_cut: false }),
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
    // A page takes the languages of the browser, in this order.
    await page.addInitScript(
      (languages) => {
        Object.defineProperty(navigator, 'languages', { get: () => languages });
      },
      options.languages ?? ['en'],
    );
    await options.before?.(page);
    await page.goto(url + (options.hash ?? ''));
    await page.waitForFunction(() => (document.querySelector('#verdict')?.textContent ?? '…') !== '…');
    return { page, server, troubles, foreign, url };
  }

  const names = (page: Page) => page.locator('.row .name').allInnerTexts();
  const verdict = (page: Page) => page.locator('#verdict').innerText();
  const until = (page: Page, wanted: readonly string[]) =>
    page.waitForFunction(
      (all) =>
        [...document.querySelectorAll('.row .name')].map((one) => (one as HTMLElement).innerText).join() ===
        all,
      wanted.join(),
    );

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  it('has the verdict first, in the title and in the icon', async () => {
    const { page, troubles, foreign } = await opened(() => sampleView(badDay()));
    expect(await verdict(page)).toMatch(
      /^1 expired \(legacy\.example\.com\) · 1 not served \(\S+\) · \d end soon, the first .*\d:\d\d.*, in \d+ (days|h) \([^)]+\) · 1 refused \(\S+\) · 1 not renewed in time \(\S+\) · 1 about to be swapped \(\S+\) · kubernetes:web is down$/,
    );
    expect(await page.title()).toMatch(/^1 expired \(legacy\.example\.com\) · .* · Certificates$/);
    expect(await page.locator('#icon').getAttribute('href')).toContain('b91c28');
    expect(await page.locator('#alarm').innerText()).toMatch(
      /Source kubernetes:web is down for \d+ (s|min): .*connection refused/,
    );
    expect(await page.locator('#facts').innerText()).toMatch(/Who writes\s+this gateway/);
    expect(await page.locator('#events').innerText()).toContain('Rolled back');
    await picture(page, 'light');
    expect(troubles).toEqual([]);
    expect(foreign).toEqual([]);
  });

  it('says that all is well, and when the next ends', async () => {
    const { page } = await opened(() => sampleView([certificate('www.example.com', 74)], { sources: [] }));
    expect(await verdict(page)).toBe('All is well');
    expect(await page.title()).toBe('All is well · Certificates');
    expect(await page.locator('#total').innerText()).toMatch(
      /^1 certificate · the next ends \d+ \w+ \d{4}, \d\d:\d\d /,
    );
    expect(await page.locator('#icon').getAttribute('href')).toContain('0b7285');
    expect(await page.locator('#alarm').isHidden()).toBe(true);
    await picture(page, 'well');
  });

  it('names the hour where something ends today', async () => {
    const end = new Date(Date.now() + 7 * 3_600_000 + 60_000).toISOString();
    const ending = { expires_at: end, expiry: 'critical', days_left: 0 } as const;
    const { page } = await opened(() =>
      sampleView([certificate('www.example.com', 0, ending)], { sources: [] }),
    );
    expect(await verdict(page)).toMatch(
      /^1 ends (today|tomorrow) at \d\d:\d\d \S+, in 7 h \(www\.example\.com\)$/,
    );
    expect(await page.locator('#icon').getAttribute('href')).toContain('b91c28');
  });

  it('shows the most urgent first, and says in words what differs', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    expect((await names(page)).slice(0, 3)).toEqual([
      'legacy.example.com',
      'shop.example.com',
      'api.example.com',
    ]);
    const shop = page.locator('.row', { hasText: 'shop.example.com' }).first();
    expect(await shop.innerText()).toContain('Not served');
    expect(await shop.locator('.differs').innerText()).toContain('served ≠');
    expect(await shop.locator('.spoken').innerText()).toBe('served: differs');
    const api = page.locator('.row', { hasText: 'api.example.com' }).first();
    expect(await api.innerText()).toContain('does not belong to its certificate');
    // The certificate of the source is marked, and not the last good one.
    expect(await api.locator('.differs').allInnerTexts()).toEqual([expect.stringContaining('source')]);
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

  it('speaks the language of the browser, and the one that is chosen', async () => {
    const { page, troubles } = await opened(() => sampleView(badDay()), { languages: ['fr', 'zh-TW', 'en'] });
    expect(await verdict(page)).toMatch(/^1 个证书（legacy\.example\.com）已过期 · 1 个证书（\S+）未生效 · /);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    expect(await page.title()).toMatch(/ · 证书$/);
    expect(await page.locator('[data-chip="refused"]').innerText()).toMatch(/^1\s+已拒绝$/);
    expect(await page.locator('.row .why').nth(1).innerText()).toMatch(/^私钥与证书不匹配。/);
    await picture(page, 'chinese');
    await page.locator('.line', { hasText: 'api.example.com' }).click();
    await page.locator('#one').getByRole('link', { name: '处理手册' }).click();
    await page.locator('h2', { hasText: '含义' }).waitFor();
    await page.goBack();
    await page.goBack();
    await page.click('#language');
    expect(await verdict(page)).toMatch(/^1 expired \(/);
    await page.reload();
    await page.waitForFunction(() => document.querySelector('#verdict')?.textContent.startsWith('1 expired'));
    await page.evaluate(() => localStorage.clear());
    expect(troubles).toEqual([]);
  });

  it.each([
    [390, 'en', false],
    [390, 'zh', true],
    [820, 'en', true],
    [820, 'zh', false],
    [1280, 'zh', true],
  ] as const)('fits %d pixels without scrolling sideways (%s, dark: %s)', async (width, language, dark) => {
    const options = { width, dark, languages: [language] };
    const { page } = await opened(() => sampleView(badDay()), options);
    const overflows = () =>
      page.evaluate(() => {
        const wide = [...document.querySelectorAll('body *')].filter(
          (one) =>
            one.getBoundingClientRect().right > innerWidth + 1 &&
            one.closest('.states, .spoken, .skip, .timeline') === null,
        );
        return [
          document.documentElement.scrollWidth - innerWidth,
          ...wide.map((one) => one.outerHTML.slice(0, 90)),
        ];
      });
    expect(await overflows()).toEqual([0]);
    await picture(page, `${width}-${language}-${dark ? 'dark' : 'light'}`);
    await page.locator('.line').first().click();
    await page.locator('#one-title').waitFor();
    expect(await overflows()).toEqual([0]);
    await picture(page, `${width}-${language}-${dark ? 'dark' : 'light'}-one`);
  });

  it('has the news before the list on a phone, and not a hundred cards', async () => {
    const { page } = await opened(() => sampleView(badDay()), { width: 390 });
    const top = async (selector: string) => (await page.locator(selector).first().boundingBox())?.y ?? 0;
    expect(await top('#latest')).toBeLessThan(await top('.row'));
    expect(await top('.row')).toBeLessThan(900);
    expect(await page.locator('#latest').innerText()).toMatch(/^11 min ago: Swapped shop\.example\.com/);
    expect(await page.locator('#events').isVisible()).toBe(false);
    await page.locator('aside summary').first().click();
    expect(await page.locator('#events').isVisible()).toBe(true);
  });

  it('finds by name, fingerprint, reason and state', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    for (const [query, found] of [
      ['static', 'www.example.com example.com, static.example.com'],
      ['key_mismatch', 'api.example.com'],
      ['expired', 'legacy.example.com'],
      [fingerprintOf('mail.example.com').slice(0, 11).toLowerCase(), 'mail.example.com'],
    ] as const) {
      await page.fill('#query', query);
      await until(page, [found]);
    }
    await page.fill('#query', 'there is no such thing');
    await page.locator('#empty', { hasText: 'Nothing matches.' }).waitFor();
  });

  it('narrows by state, level, source and order, and all of that stands in the address', async () => {
    const { page, url } = await opened(() => sampleView(badDay()));
    await page.click('[data-chip="refused"]');
    await until(page, ['api.example.com']);
    expect(await page.locator('[data-chip="refused"]').getAttribute('aria-pressed')).toBe('true');
    await page.click('[data-chip="expired"]');
    await until(page, ['legacy.example.com']);
    await page.goBack();
    await until(page, ['api.example.com']);
    await page.reload();
    await until(page, ['api.example.com']);
    await page.click('[data-chip="all"]');
    await page.selectOption('#source', { label: 'No source' });
    await until(page, ['legacy.example.com']);
    await page.selectOption('#source', { label: 'All sources' });
    await page.selectOption('#sort', 'name');
    await page.waitForFunction(() => document.querySelector('.row .name')?.textContent.startsWith('api.'));
    await page.goto(`${url}#expiry=expired&sort=expiry`);
    await until(page, ['legacy.example.com']);
    expect(await page.locator('#sort').inputValue()).toBe('expiry');
  });

  it('shows one certificate alone, with its history, a runbook, copies and an address of its own', async () => {
    const { page, url, troubles } = await opened(() => sampleView(badDay()));
    await page.locator('.line', { hasText: 'api.example.com' }).click();
    const one = page.locator('#one');
    await one.locator('#one-title', { hasText: 'api.example.com' }).waitFor();
    await one.locator('.events').waitFor();
    const text = await one.innerText();
    expect(text).toContain(fingerprintOf('api.example.com old'));
    expect(text).toContain('does not belong to its certificate');
    expect(text).toMatch(/Valid until\s+\d+ \w+ \d{4}, \d\d:\d\d /);
    expect(text).toMatch(
      /History[^]*Swapped 0A:1B:2C:3D, in place of 4D:5E:6F:70, proven by 12 handshakes in 41 ms/,
    );
    expect(await one.getByRole('link', { name: 'What to do' }).getAttribute('href')).toBe(
      'runbooks/KongCertificateRefused?lang=en-GB',
    );
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('one-title');
    await page.evaluate(() => {
      navigator.clipboard.writeText = (copied) => {
        document.body.dataset['copied'] = copied;
        return Promise.resolve();
      };
    });
    await one.getByRole('button', { name: 'Copy: SNIs' }).click();
    expect(await page.evaluate(() => document.body.dataset['copied'])).toBe('api.example.com');
    await picture(page, 'details');
    const link = page.url();
    await page.keyboard.press('Escape');
    await page.locator('.row').first().waitFor();
    await page.goto(url);
    await page.goto(link);
    await one.locator('#one-title', { hasText: 'api.example.com' }).waitFor();
    await page.goBack();
    await page.locator('.row').first().waitFor();
    await page.goto(`${url}#open=gone`);
    await one.filter({ hasText: 'There is no such certificate' }).waitFor();
    expect(troubles).toEqual([]);
  });

  it('leads from a certificate to its runbook', async () => {
    const { page, troubles } = await opened(() => sampleView(badDay()), { hash: '#q=legacy' });
    await page.locator('.line').click();
    await page.getByRole('link', { name: 'What to do' }).first().waitFor();
    await page.locator('#one').getByRole('link', { name: 'What to do' }).click();
    await page.locator('h1', { hasText: 'KongCertificateExpired' }).waitFor();
    await picture(page, 'runbook');
    expect(troubles).toEqual([]);
  });

  it('says which entry a certificate stands in, where there are two', async () => {
    const both = [
      entryView('30fcab31-1feb-514e-86cc-2b5b0223f6d4', [certificate('www.example.com', 74)]),
      entryView('8d0c2f11-1feb-514e-86cc-2b5b0223f6d4', [certificate('www.example.com', 74)], {
        mode: 'observe',
      }),
    ];
    const { page } = await opened(() => sampleView([], {}, both));
    expect(await page.locator('.row .badge').allInnerTexts()).toEqual([
      'Entry 30fcab31',
      'Entry 8d0c2f11 · only observes',
    ]);
    await page.selectOption('#entry', { label: '8d0c2f11' });
    await until(page, ['www.example.com']);
  });

  it('is used with the keyboard alone', async () => {
    const { page } = await opened(() => sampleView(badDay()));
    await page.keyboard.press('/');
    await page.keyboard.type('shop');
    await until(page, ['shop.example.com']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('#one-title', { hasText: 'shop.example.com' }).waitFor();
    await page.keyboard.press('Escape');
    await until(page, ['shop.example.com']);
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await page.waitForFunction(
      (count) => document.querySelectorAll('.row').length === count,
      badDay().length,
    );
  });

  it('shows names and messages as text, whatever stands in them', async () => {
    const evil = '<img src=x onerror="document.title=\'evil\'">';
    const refusal = {
      reason: 'expired',
      message: evil,
      at: new Date().toISOString(),
      is_standing: true,
    } as const;
    const { page } = await opened(() => sampleView([certificate(evil, 3, { state: 'refused', refusal })]));
    expect(await page.locator('.why').innerText()).toBe(evil);
    await page.click('.line');
    await page.locator('#one-title').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).not.toBe('evil');
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
    expect(await page.title()).toMatch(/^1 expired \(/);
  });

  it('updates itself, and keeps where the keyboard is', async () => {
    let certificates = badDay();
    const { page } = await opened(() => sampleView(certificates));
    await page.locator('.line', { hasText: 'mail.example.com' }).focus();
    certificates = certificates.map((one) =>
      one.snis[0] === 'shop.example.com' ? certificate('shop.example.com', 71) : one,
    );
    await page.waitForFunction(() => document.querySelector('[data-chip="not_served"]') === null);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('mail.example.com');
  });

  it('says that the plugin does not answer, and keeps what it knew', async () => {
    const { page, server } = await opened(() => sampleView(badDay()));
    await server.setAddresses([]);
    await page.locator('#alarm', { hasText: 'has not answered since' }).waitFor();
    expect(await names(page)).toHaveLength(badDay().length);
    expect(await page.title()).toMatch(/^The plugin has not answered since /);
    await picture(page, 'away');
  });

  it('says that the plugin does not answer where it hangs, and goes on when it is back', async () => {
    let isHanging = false;
    const { page } = await opened(() => sampleView(badDay(), { sources: [] }), {
      before: async (page) => {
        await page.addInitScript(() => {
          const timeout = AbortSignal.timeout.bind(AbortSignal);
          AbortSignal.timeout = (ms) => timeout(ms / 20);
        });
        await page.route('**/certificates*', (route) => (isHanging ? undefined : route.continue()));
      },
    });
    const alarm = page.locator('#alarm');
    expect(await alarm.isHidden()).toBe(true);
    isHanging = true;
    await alarm.filter({ hasText: 'has not answered since' }).waitFor();
    isHanging = false;
    await alarm.waitFor({ state: 'hidden' });
  });

  it('says what the plugin waits for, and that there is nothing yet', async () => {
    const { page } = await opened(() => ({
      ...sampleView([]),
      reloaders: [],
      kong: null,
      waiting: 'connection refused',
    }));
    expect(await verdict(page)).toBe('Kong does not answer');
    expect(await page.locator('#alarm').innerText()).toContain('The plugin waits: connection refused.');
    expect(await page.locator('#empty').innerText()).toContain('There are no certificates yet');
    await picture(page, 'waiting');
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
    expect(await verdict(page)).toMatch(/^Kong does not answer · 1 expired \(/);
    expect(await page.locator('#alarm').innerText()).toMatch(
      /connection refused\. This is how it was .*\d:\d\d/,
    );
    await picture(page, 'kong-away');
  });

  it('shows after a restart what an earlier process left, whatever somebody wrote into its file', async () => {
    const file = new KnowledgeFile(join(testFolder(), 'known'));
    await file.save(entry().show.knowledge(PLACE)!);
    const hostile = '<img src=x onerror=console.error(1)>';
    writeFileSync(file.path, readFileSync(file.path, 'utf8').replaceAll('c3.test', hostile));
    const { view } = await remembered(file);
    const left = { ...sampleView([]), kong: null, waiting: 'connection refused', reloaders: [view] };
    const { page, troubles } = await opened(() => left);
    expect(await names(page)).toHaveLength(13);
    expect(await names(page)).toContain(hostile);
    expect(await verdict(page)).toMatch(/^Kong does not answer · .*2 not served .* 2 refused /);
    expect(await page.locator('#alarm').innerText()).toMatch(
      /connection refused\. This is how it was .*\d:\d\d/,
    );
    expect(troubles).toEqual([]);
    await picture(page, 'kong-away-after-a-restart');
  });

  it.each<[string, Partial<ReloaderStatus>, string, string]>([
    [
      'another gateway writes',
      { leader: { is_leader: false, holder: 'kong-7c9f_42', error: null } },
      'another gateway, kong-7c9f_42; this one stands by',
      '',
    ],
    [
      'the Lease cannot be acquired',
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
      'this page may be out of date: Kong answered 401',
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
      'reload Kong for /etc/kong/default.crt.',
    ],
    [
      'a certificate that Kong uses itself is about to end',
      {
        node_certificates: {
          state: 'in_sync',
          mode: 'observe',
          reloaded_at: null,
          detail: '',
          files: [
            {
              uses: ['admin', 'status'],
              location: '/etc/kong/admin.crt',
              fingerprint_sha256: 'AA',
              not_after: '2026-12-01T00:00:00.000Z',
              served_sha256: 'AA',
              served_not_before: null,
              served_not_after: '2026-12-01T00:00:00.000Z',
              expiry: 'critical',
            },
          ],
        },
      },
      '/etc/kong/admin.crt',
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
    const { page, troubles } = await opened(() => sampleView(badDay(), { sources: [], ...more }));
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
    await page.locator('.details', { hasText: 'it has no SNI' }).waitFor();
  });

  it('shows files that belong to no pair', async () => {
    const stray = {
      location: '/certs/lost.key',
      reason: 'missing_certificate',
      message: 'a key alone',
    } as const;
    const source = {
      id: 'directory:/certs',
      up: true,
      bundles: 1,
      error: null,
      stray_files: [stray],
      stray_file_count: 1,
    };
    const { page } = await opened(() => sampleView(badDay(), { sources: [source] }));
    await page.locator('.strays summary').click();
    expect(await page.locator('.strays').innerText()).toMatch(
      /1 file belongs to no pair[^]*\/certs\/lost\.key/,
    );
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

  it.each([3, 300, 10_000])(
    'has its first rows within a second with %d certificates, and little to load',
    async (count) => {
      const many = Array.from({ length: count }, (_, index) =>
        certificate(`host-${index}.example.com`, 30 + (index % 60)),
      );
      const sizes: number[] = [];
      const { page } = await opened(() => sampleView(many, { sources: [] }), {
        before: (page) => {
          page.on('response', (response) => {
            void response
              .request()
              .sizes()
              .then(({ responseBodySize }) => sizes.push(responseBodySize));
          });
          return Promise.resolve();
        },
      });
      await page.locator('.row').first().waitFor();
      const shown = await page.evaluate(() => {
        const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
        const [list] = performance
          .getEntriesByType('resource')
          .filter(({ name }) => name.includes('certificates?'));
        return {
          page: navigation?.responseEnd ?? 0,
          list: (list as PerformanceResourceTiming).decodedBodySize,
        };
      });
      // The speed depends on the machine, the amount does not.
      expect(shown.list).toBeLessThan(150_000);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
      expect(await page.locator('.row').count()).toBe(Math.min(count, 50));
      if (count <= 50) return;
      await page.click('[data-page="next"]');
      await page.waitForFunction(() => document.querySelector('#pager')?.textContent.includes('51 to 100'));
      await page.goBack();
      await page.waitForFunction(() => document.querySelector('#pager')?.textContent.includes('1 to 50'));
      await page.fill('#query', `host-${count - 1}.`);
      await until(page, [`host-${count - 1}.example.com`]);
      expect(await page.locator('#count').innerText()).toBe(`1 of ${count.toLocaleString('en')}`);
    },
  );
});
