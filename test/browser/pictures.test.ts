/// <reference lib="dom" />
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { writePair } from '../support/folders';
import { freePort } from '../support/port';
import { supervised } from '../support/supervised';
import { hasChromium, startChromium } from './chromium';

/** `npm run pictures` keeps what this test sees as the pictures of the documentation. */
const folder = process.env['PICTURES'];
const HOUR_MS = 3_600_000;
const hours = (from: number, until: number) => ({
  notBefore: new Date(Date.now() + from * HOUR_MS),
  notAfter: new Date(Date.now() + until * HOUR_MS),
});

it.skipIf(!hasChromium)(
  'a bad day of a real plugin is what the pictures show (needs Debian package chromium)',
  async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const { certs, gateway, becomes, report } = await supervised({
      config: { status: { listen }, interval: 1 },
    });
    const inKong = (name: string) =>
      becomes(`${name} is served`, ({ snis, state }) => snis.includes(name) && state === 'in_sync');
    for (const name of ['www', 'shop', 'id', 'mail'])
      writePair(
        certs,
        name,
        issue({
          names: [`${name}.example.com`, ...(name === 'www' ? ['example.com'] : [])],
          ...hours(-24 * 9, 24 * 81),
        }),
      );
    // Six days of which 20 hours are left.
    writePair(certs, 'api', issue({ names: ['api.example.com'], ...hours(-124, 20) }));
    for (const name of ['www', 'shop', 'id', 'mail', 'api']) await inKong(`${name}.example.com`);
    // An expired certificate was added by hand, and a renewal came with the key of another one.
    const old = issue({ names: ['legacy.example.com'], ...hours(-24 * 93, -72) });
    const created = await fetch(`${gateway.adminUrl}/certificates`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ cert: old.chain, key: old.key, snis: ['legacy.example.com'] }),
    });
    expect(created.status).toBe(201);
    writePair(certs, 'shop', { chain: issue({ names: ['shop.example.com'] }).chain, key: issue().key });
    const [plugin] = (
      (await (await fetch(`${gateway.adminUrl}/plugins`)).json()) as { data: { id: string }[] }
    ).data;
    await fetch(`${gateway.adminUrl}/plugins/${plugin?.id ?? ''}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        config: {
          sources: [
            { type: 'directory', path: certs, create: true },
            { type: 'directory', path: '/etc/letsencrypt/not-mounted' },
          ],
        },
      }),
    });
    await becomes(
      'it is refused',
      ({ snis, state }) => snis[0] === 'shop.example.com' && state === 'refused',
    );
    await becomes('it is seen', ({ snis }) => snis[0] === 'legacy.example.com');
    await eventually('a source is down', async () =>
      (await report()).reloaders.some(({ sources }) => sources.some(({ up }) => !up)),
    );

    const browser = await startChromium();
    onTestFinished(() => browser.stop());
    const shoot = async (page: Page, name: string) => {
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    };
    for (const [language, suffix, words] of [
      [
        'en',
        '',
        /^1 expired \(\S+\) · 1 ends (today|tomorrow) at .*, in 1\d h \(\S+\) · 1 refused \(\S+\) · .*is down$/,
      ],
      [
        'zh',
        '-zh',
        /^1 个证书（\S+）已过期 · 1 个证书（\S+）将于(今天|明天) .* 到期（剩余 1\d 小时） · 1 个证书（\S+）被拒绝 · .*不可用$/,
      ],
    ] as const) {
      const page = await browser.context.newPage();
      await page.addInitScript((chosen) => {
        Object.defineProperty(navigator, 'languages', { get: () => [chosen] });
      }, language);
      await page.goto(`http://${listen}/`);
      await page.locator('.row').first().waitFor();
      expect((await page.locator('#verdict').innerText()).replaceAll('\n', '')).toMatch(words);
      await shoot(page, `status${suffix}`);
      await page.locator('.line', { hasText: 'shop.example.com' }).click();
      await page.locator('#one .events').waitFor();
      if (suffix === '') await shoot(page, 'certificate');
    }
  },
);
