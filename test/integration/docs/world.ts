import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startGateway, type Gateway } from '../../gateway';
import { issue } from '../../support/bundles';
import { Command, ENVIRONMENT, EXECUTABLE, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const HOST = 'www.example.com';

/** A machine as the guides suppose it: Kong, its folders below a scratch folder, renewed certificates, the plugin. */
export class World {
  private constructor(
    readonly root: string,
    readonly gateway: Gateway,
  ) {}

  /** @param isBehind whether Kong has an older certificate than the sources */
  static async open(isBehind: boolean): Promise<World> {
    const root = testFolder();
    const prefix = join(root, 'usr/local/kong');
    mkdirSync(prefix, { recursive: true });
    const dump = join(prefix, 'ssl-cert-reloader.json');
    writeFileSync(dump, execFileSync(EXECUTABLE, ['-dump'], { env: ENVIRONMENT }));
    start(['run', '--serve-plugin', '-p', prefix]);
    const gateway = await startGateway({
      mode: 'database',
      prefix,
      pluginServers: [{ name: 'ssl-cert-reloader', queryCommand: `cat ${dump}` }],
    });
    onTestFinished(() => gateway.stop());
    const world = new World(root, gateway);
    world.#fill(prefix, isBehind);
    return world;
  }

  #fill(prefix: string, isBehind: boolean): void {
    const { chain, key } = issue({ names: [HOST] });
    const shop = issue({ names: ['shop.example.com'] });
    const live = `etc/letsencrypt/live/${HOST}`;
    const old = issue({ names: [HOST], notBefore: new Date(Date.now() - 30 * 86_400_000) });
    const stored = isBehind ? old : { chain, key };
    this.gateway.seed([{ cert: stored.chain, key: stored.key, snis: [HOST] }]);
    this.write(`etc/kong/certs/${HOST}.crt`, chain);
    this.write(`etc/kong/certs/${HOST}.key`, key);
    const config = this.here('sources: [{ type: directory, path: /etc/letsencrypt/live }]');
    for (const path of ['home/reloader.yml', 'etc/ssl-cert-reloader/reloader.yml']) this.write(path, config);
    this.write(`${live}/fullchain.pem`, chain);
    this.write(`${live}/privkey.pem`, key);
    this.write('home/fullchain.pem', chain);
    this.write('home/privkey.pem', key);
    this.write('home/shop.pem', shop.chain + shop.key);
    for (const file of ['pw', 'password.txt']) this.write(`home/${file}`, 'secret\n');
    const pack =
      'for f in site.p12 shop.pfx shop-2027.pfx; do openssl pkcs12 -export -in shop.pem -out $f -passout file:pw; done';
    execFileSync('/bin/sh', ['-c', pack], { cwd: join(this.root, 'home'), stdio: 'pipe' });
    mkdirSync(join(this.root, 'second'));
    const where = `case $1 in explain|inspect) set -- "$@";; run) set -- "$@" -p ${this.root}/second --admin-url ${this.gateway.adminUrl};; *) set -- "$@" -p ${prefix};; esac`;
    this.#program('ssl-cert-reloader', `${where}; exec ${EXECUTABLE} "$@"`);
    this.#program('sudo', 'exec "$@"');
    // What is run in a pod runs here; of other commands the files have to be there.
    const inPod = 'case " $* " in *" -- "*) while [ $1 != -- ]; do shift; done; shift; exec "$@";; esac';
    const files = `for word; do [ "$before" != -f ] && [ "$before" != -k ] || [ -e ${process.cwd()}/$word ]; before=$word; done`;
    for (const name of ['kubectl', 'helm']) this.#program(name, `set -e; ${inPod}; ${files}`);
    this.#program(
      'install',
      'for word; do shift; case $word in -o) skip=1;; *) [ "$skip" ] || set -- "$@" "$word"; skip=;; esac; done; exec /usr/bin/install "$@"',
    );
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }

  #program(name: string, script: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(join(this.root, 'bin', name), 0o755);
  }

  /** A text of a guide with the places of this world in it. */
  here(text: string): string {
    // There is no cluster: a folder has what a Secret would have.
    return text
      .replaceAll('"kubernetes", "namespaces": ["shop"]', '"directory", "path": "/etc/letsencrypt/live"')
      .replaceAll('/etc/', `${this.root}/etc/`)
      .replaceAll('localhost:8001', new URL(this.gateway.adminUrl).host)
      .replaceAll('https://localhost:8444', this.gateway.adminUrl)
      .replaceAll('https://control-plane.internal:8444', this.gateway.adminUrl)
      .replace(/^ +(ca_file|token_file): .*admin-.*\n/gm, '')
      .replace(/'dp-1\.internal:8443', 'dp-2\.internal:8443'/, `'127.0.0.1:${String(this.gateway.tlsPort)}'`)
      .replaceAll('NAME', HOST);
  }

  /**
   * Types a command.
   * @throws Error with what it said where it fails
   */
  async type(text: string): Promise<void> {
    const command = text.replace(/^kubectl .* -- /, '');
    const asks = /^ssl-cert-reloader (status|doctor|plan|history)/.test(command);
    if (command.startsWith('ssl-cert-reloader') && !command.includes(' -c ')) await this.#enable();
    if (text.startsWith('ssl-cert-reloader run')) await this.#daemon(text);
    else if (asks) await eventually(`\`${text}\` succeeds`, () => this.#run(text));
    else await this.#run(text);
    if (text.startsWith('curl')) await this.#enable();
  }

  async #run(text: string): Promise<true> {
    const env = { ...ENVIRONMENT, PATH: `${join(this.root, 'bin')}:${ENVIRONMENT.PATH}` };
    const child = spawn('/bin/sh', ['-ec', this.here(text)], { cwd: join(this.root, 'home'), env });
    child.stdin.end();
    const { code, stdout, stderr } = await new Command(child).ended;
    if (code !== 0) throw new Error(`${text} ended with ${String(code)}\n${stdout}${stderr}`);
    return true;
  }

  /** A daemon that runs until it has found Kong. */
  async #daemon(text: string): Promise<void> {
    const env = { ...ENVIRONMENT, PATH: `${join(this.root, 'bin')}:${ENVIRONMENT.PATH}` };
    const child = spawn('/bin/sh', ['-ec', `exec ${this.here(text)}`], { cwd: join(this.root, 'home'), env });
    const command = new Command(child);
    await eventually('it finds Kong', () => command.stderr.includes('connected to Kong'));
    child.kill('SIGTERM');
    await command.ended;
  }

  /** Has the plugin enabled, with the folders of this world where the guide's own entry names none. */
  async #enable(): Promise<void> {
    const send = (method: string, path: string, body?: object) =>
      fetch(this.gateway.adminUrl + path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const { data } = (await (await send('GET', '/plugins')).json()) as {
      data: { id: string; config: { sources: object[] } }[];
    };
    const sources = [{ type: 'directory', path: join(this.root, 'etc/letsencrypt/live') }];
    if (data[0] === undefined) {
      await send('POST', '/plugins', { name: 'ssl-cert-reloader', config: { sources } });
    } else if (data[0].config.sources.length === 0) {
      await send('PATCH', `/plugins/${data[0].id}`, { config: { sources } });
    }
  }
}
