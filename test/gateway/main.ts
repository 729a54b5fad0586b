import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lookLikeMaster } from './processes/hang-up';
import { startGateway, type GatewayOptions, type PluginServerOptions, type SeedCertificate } from './index';

const USAGE = `usage: gateway [options]
  --mode dbless|database     default dbless
  --config FILE              kong.yml, without a database
  --prefix DIR               default: a new temporary directory
  --admin-port N             default 0: any free port
  --admin-socket PATH        instead of a port
  --tls-port N
  --http-port N
  --workers N                default 2
  --ssl-cert FILE --ssl-cert-key FILE   the default certificate
  --plugin-server NAME       may come more than once, followed by its commands:
    --query-command COMMAND
    --start-command COMMAND  absent: managed from outside
    --socket PATH
  --env NAME=VALUE           one more line of .kong_env; may come more than once
  --seed FILE.json           [{ id?, cert, key, snis, tags? }, …], loaded without checks
  --exit-with-stdin          stop when standard input ends`;

interface Arguments {
  options: GatewayOptions;
  seed: SeedCertificate[];
  exitWithStdin: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  const text = { type: 'string' } as const;
  const { values, tokens } = parseArgs({
    args: [...args],
    tokens: true,
    options: {
      mode: text,
      config: text,
      prefix: text,
      'admin-port': text,
      'admin-socket': text,
      'tls-port': text,
      'http-port': text,
      workers: text,
      'ssl-cert': text,
      'ssl-cert-key': text,
      'plugin-server': { ...text, multiple: true },
      'query-command': { ...text, multiple: true },
      'start-command': { ...text, multiple: true },
      socket: { ...text, multiple: true },
      env: { ...text, multiple: true },
      seed: text,
      'exit-with-stdin': { type: 'boolean' },
    },
  });
  const { mode = 'dbless', 'ssl-cert': cert, 'ssl-cert-key': key } = values;
  if (mode !== 'dbless' && mode !== 'database')
    throw new Error(`--mode: ${mode} is neither dbless nor database`);
  const socket = values['admin-socket'];
  const number = (value: string | undefined) => Number(value ?? '0');
  const options: GatewayOptions = {
    mode,
    adminListen: socket === undefined ? `127.0.0.1:${number(values['admin-port'])}` : `unix:${socket}`,
    tlsPort: number(values['tls-port']),
    httpPort: number(values['http-port']),
    pluginServers: pluginServers(tokens),
    env: Object.fromEntries((values.env ?? []).map((line) => splitOnce(line, '='))),
    ...(values.config === undefined ? {} : { declarativeConfig: values.config }),
    ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
    ...(values.workers === undefined ? {} : { workers: number(values.workers) }),
    ...(cert === undefined || key === undefined ? {} : { defaultCertificate: { cert, key } }),
  };
  const seed =
    values.seed === undefined ? [] : (JSON.parse(readFileSync(values.seed, 'utf8')) as SeedCertificate[]);
  return { options, seed, exitWithStdin: values['exit-with-stdin'] === true };
}

/** The commands belong to the server named before them. */
function pluginServers(tokens: readonly { kind: string; name?: string; value?: string | undefined }[]) {
  const servers: PluginServerOptions[] = [];
  for (const { name, value = '' } of tokens) {
    if (name === 'plugin-server') servers.push({ name: value, queryCommand: '' });
    const server = servers.at(-1);
    if (name === 'query-command' || name === 'start-command' || name === 'socket') {
      if (server === undefined) throw new Error(`--${name}: comes after the --plugin-server that it is for`);
      if (name === 'query-command') server.queryCommand = value;
      else if (name === 'start-command') server.startCommand = value;
      else server.socket = value;
    }
  }
  return servers;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(USAGE);
    return;
  }
  const { options, seed, exitWithStdin } = readArguments(process.argv.slice(2));
  const gateway = await startGateway(options);
  lookLikeMaster(gateway.prefix);
  gateway.seed(seed);
  const stop = () => {
    void gateway.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  if (exitWithStdin) process.stdin.resume().once('end', stop).once('close', stop);
  const { adminUrl, tlsPort, httpPort, prefix } = gateway;
  console.log(JSON.stringify({ adminUrl, tlsPort, httpPort, prefix }));
}

main().catch((error: unknown) => {
  console.error(`gateway: error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
