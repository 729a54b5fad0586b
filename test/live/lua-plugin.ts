import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it, onTestFinished } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { admin, type StartKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, OpenConnection, servedLeaf } from '../support/tls';

const HOST = 'shop.example.test';
const PLUGIN = 'ssl-cert-reloader';

/** Needs Lua, which the stand-in has none of. */
export function describeLuaPlugin(startKong: StartKong): void {
  it('with the plugin in Lua alone Kong takes its entry, runs nothing of it, and a sidecar does the work', async () => {
    const certs = testFolder();
    const plugins = [{ name: PLUGIN, config: { sources: [{ type: 'directory', path: certs }] } }];
    const declarativeConfig = dump({ _format_version: '3.0', plugins });
    const kong = await startKong({ mode: 'dbless', isLua: true, declarativeConfig });
    onTestFinished(() => kong.stop());
    const { body } = await admin(kong, 'GET', '/plugins');
    expect(body).toMatchObject({ data: [{ name: PLUGIN, config: { interval: 300, mode: 'apply' } }] });
    const check = (config: object) =>
      admin(kong, 'POST', '/schemas/plugins/validate', { name: PLUGIN, config });
    expect(await check({ interval: 60 })).toMatchObject({ status: 200 });
    const refused = await check({ interval: 0, sources: [{ type: 'file', cert: 'relative.pem' }] });
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain('value should be between 1 and 86400');

    const connection = await OpenConnection.open(kong.tlsPort, HOST);
    expect(await connection.ask()).toContain('404');
    connection.close();
    expect(kong.pluginServerPid()).toBeNull();

    const sidecar = spawn(process.execPath, ['dist/ssl-cert-reloader.cjs', 'run', '-p', kong.prefix], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => sidecar.once('exit', resolve));
    onTestFinished(async () => {
      sidecar.kill();
      await ended;
    });
    const pair = Authority.root()
      .intermediate()
      .issue({ names: [HOST] });
    writePair(certs, HOST, pair);
    await eventually(
      'the sidecar has Kong serve it',
      async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(pair.cert),
    );
    expect(readFileSync(join(kong.prefix, 'logs', 'error.log'), 'utf8')).not.toMatch(/\[(error|crit)\]/);
  });
}
