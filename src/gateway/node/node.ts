import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readConfiguredFile } from '../../common/configured-file';
import { sameStamp, stampOf, type Stamp } from '../../common/stamp';
import { commitsOf } from './commits';
import { commentIn, itemsOf, readKongLines, valuesIn } from './kong-env';
import { adminEndpoints, tlsListeners, type Endpoint, type TlsListener } from './listen';
import { parseServers, parseWorkers, settingIn, type NginxServer } from './nginx-conf';

/** Facts from the prefix of a Kong on this machine. */
export interface NodeFacts {
  /** The file that they were read from. */
  from: string;
  /** Endpoints of the Admin API, the best one first. */
  admin: readonly Endpoint[];
  /** TLS listeners that serve Kong's certificates. */
  tls: readonly TlsListener[];
  /** TLS settings of the proxy's listeners; undefined: unknown. */
  tlsSettings: { protocols: string | undefined; ciphers: string | undefined };
  /** Certificates for clients without SNI, one pair for each type of key; empty where Kong made its own. */
  defaultCertificate: readonly { cert: string; key: string }[];
  /** The other certificates that Kong's configuration names, without those that Kong made itself. */
  nodeCertificates: readonly NodeCertificate[];
  /** Files of CA certificates that Kong trusts; empty where only nginx's configuration can be read. */
  trusted: readonly { use: 'trusted_ca' | 'cluster_ca'; path: string }[];
  /** Without a database, the file with the configuration that Kong reads at start; null: none, or unknown. */
  declarativeConfig: string | null;
  /** Folder, relative to the prefix, of the store that holds the configuration without a database. */
  configurationStore: string;
  /** Seconds after which Kong's parts notice what others wrote into its database; null: it is not known. */
  databaseDelay: number | null;
  /** Null: unknown. */
  workers: number | null;
}

/** Prefixes of the settings that name Kong's other certificates. */
const USES = ['admin', 'admin_gui', 'status', 'client', 'cluster'] as const;

interface NodeCertificate {
  use: (typeof USES)[number];
  cert: string;
  key: string;
  /** Listeners that show it; empty: it is shown as a client, or the listener is unknown. */
  listeners: readonly TlsListener[];
}

const certSetting = (use: (typeof USES)[number]) => (use === 'cluster' ? 'cluster_cert' : `${use}_ssl_cert`);
/** Names of their servers in the nginx configuration that Kong writes. */
const SERVERS = {
  admin: 'kong_admin',
  admin_gui: 'kong_gui',
  status: 'kong_status',
  cluster: 'kong_cluster_listener',
};

const ENV = '.kong_env';
const HTTP = 'nginx-kong.conf';
const STREAM = 'nginx-kong-stream.conf';
const MAIN = 'nginx.conf';
const DEFAULT_STORE = 'dbless.lmdb';
const MAX_BYTES = 4 * 1024 * 1024;

/** Only these settings are kept: the file also holds secrets such as `pg_password`. */
const NAMES = new Set([
  ...['admin_listen', 'proxy_listen', 'stream_listen'],
  ...['ssl_cert', 'ssl_cert_key', 'declarative_config', 'lmdb_environment_path'],
  'db_update_frequency',
  'nginx_main_worker_processes',
  ...['admin_gui_listen', 'status_listen', 'cluster_listen', 'role'],
  ...['lua_ssl_trusted_certificate', 'cluster_mtls', 'cluster_ca_cert'],
  ...USES.flatMap((use) => [certSetting(use), `${certSetting(use)}_key`]),
  ...['', 'nginx_http_', 'nginx_proxy_'].flatMap((at) => [`${at}ssl_protocols`, `${at}ssl_ciphers`]),
]);

/** A Kong on this machine, known by the files in its prefix, which it rewrites at each start and reload. */
export class KongNode {
  #known: { stamps: (Stamp | null)[]; facts: NodeFacts } | null = null;

  constructor(readonly prefix: string) {}

  /**
   * Reads the present facts: from `.kong_env`, and where this user may not read that, from the nginx configuration.
   * @throws Error with a sentence that helps
   */
  read(): NodeFacts {
    const stamps = [ENV, HTTP, STREAM, MAIN].map((name) => stampOf(join(this.prefix, name)));
    const known = this.#known;
    if (known?.stamps.every((stamp, index) => sameStamp(stamp, stamps[index] ?? null)) === true)
      return known.facts;
    const facts = this.readAnew();
    this.#known = { stamps, facts };
    return facts;
  }

  /** As `read`, but null where nothing can be read. */
  tryRead(): NodeFacts | null {
    try {
      return this.read();
    } catch {
      return null;
    }
  }

  /** How often this Kong's configuration was committed without a database; null: unreadable. */
  commits(): number | null {
    return commitsOf(this.prefix, this.tryRead()?.configurationStore);
  }

  private readAnew(): NodeFacts {
    let lines: readonly string[];
    try {
      lines = readKongLines(this.prefix);
    } catch (error) {
      // Started as root, Kong lets only root read .kong_env, and everybody the nginx configuration.
      if (existsSync(join(this.prefix, HTTP))) return this.factsOfNginx(error as Error);
      throw error;
    }
    return this.factsOfEnv(lines);
  }

  private factsOfEnv(lines: readonly string[]): NodeFacts {
    const values = valuesIn(lines, (name) => NAMES.has(name));
    const [certs, keys] = [paths(values.get('ssl_cert')), paths(values.get('ssl_cert_key'))];
    const [declarative = null] = paths(
      values.get('declarative_config') ??
        // A reload that keeps the posted configuration has commented the line out (see `KongReload`).
        commentIn(lines, 'declarative_config'),
    );
    const workers = Number(values.get('nginx_main_worker_processes'));
    const delay = Number(values.get('db_update_frequency'));
    // The innermost of several settings counts.
    const nearest = (name: string) =>
      [`nginx_proxy_${name}`, `nginx_http_${name}`, name].map((one) => values.get(one)).find(Boolean);
    return {
      from: join(this.prefix, ENV),
      admin: adminEndpoints(values.get('admin_listen')),
      tls: [...tlsListeners(values.get('proxy_listen')), ...streamListeners(values.get('stream_listen'))],
      tlsSettings: { protocols: nearest('ssl_protocols'), ciphers: nearest('ssl_ciphers') },
      defaultCertificate:
        certs.length === keys.length
          ? this.notOfKong(certs.map((cert, index) => ({ cert, key: keys[index] ?? '' })))
          : [],
      nodeCertificates: USES.flatMap((use) => this.certificatesFor(use, values)),
      trusted: trustedFiles(values),
      declarativeConfig: declarative,
      configurationStore: values.get('lmdb_environment_path') ?? DEFAULT_STORE,
      databaseDelay: delay > 0 ? delay : null,
      workers: Number.isInteger(workers) && workers > 0 ? workers : null,
    };
  }

  private factsOfNginx(why: Error): NodeFacts {
    const text = this.textOf(HTTP);
    if (text === null) throw why;
    const servers = parseServers(text);
    const stream = parseServers(this.textOf(STREAM) ?? '').filter(({ isPreread }) => isPreread);
    const named = (name: string) => servers.filter((server) => server.name === name);
    const listens = (all: readonly NginxServer[]) => all.flatMap((server) => server.listens).join(',');
    const certificates = named('kong').flatMap((server) => server.certificates);
    return {
      from: join(this.prefix, HTTP),
      admin: adminEndpoints(listens(named('kong_admin'))),
      tls: [
        ...tlsListeners(listens(named('kong'))),
        // They pass the handshake on, so they do not count as TLS here.
        ...streamListeners(stream.flatMap((server) => server.listens.map((one) => `${one} ssl`)).join(',')),
      ],
      tlsSettings: {
        protocols: settingIn(text, 'ssl_protocols'),
        ciphers: settingIn(text, 'ssl_ciphers'),
      },
      defaultCertificate: this.notOfKong(certificates),
      nodeCertificates: Object.entries(SERVERS).flatMap(([use, name]) =>
        named(name).flatMap((server) =>
          this.notOfKong(server.certificates).map((pair) => ({
            use: use as keyof typeof SERVERS,
            ...pair,
            listeners: tlsListeners(server.listens.join(',')),
          })),
        ),
      ),
      trusted: [],
      declarativeConfig: null,
      configurationStore: settingIn(this.textOf(MAIN) ?? '', 'lmdb_environment_path') ?? DEFAULT_STORE,
      databaseDelay: null,
      workers: parseWorkers(this.textOf(MAIN) ?? ''),
    };
  }

  private certificatesFor(
    use: (typeof USES)[number],
    values: ReadonlyMap<string, string>,
  ): NodeCertificate[] {
    // Only a hybrid Kong reads cluster_cert, and only its control plane listens with it.
    const isOn = use !== 'cluster' || isHybrid(values);
    const hasListener = use !== 'client' && (use !== 'cluster' || values.get('role') === 'control_plane');
    const [certs, keys] = [certSetting(use), `${certSetting(use)}_key`].map((name) =>
      paths(values.get(name)),
    ) as [string[], string[]];
    if (!isOn || certs.length !== keys.length) return [];
    // cluster_listen never says `ssl`, since it always is TLS.
    const directive = hasListener ? values.get(`${use}_listen`) : undefined;
    const listeners = tlsListeners(
      use === 'cluster' && directive !== undefined
        ? itemsOf(directive)
            .map((one) => `${one} ssl`)
            .join(',')
        : directive,
    );
    // A listener without TLS reads no certificate.
    if (hasListener && listeners.length === 0) return [];
    return this.notOfKong(certs.map((cert, index) => ({ use, cert, key: keys[index] ?? '', listeners })));
  }

  private textOf(name: string): string | null {
    try {
      return readConfiguredFile(join(this.prefix, name), MAX_BYTES);
    } catch {
      return null;
    }
  }

  /** Without `ssl_cert` Kong makes certificates for itself, which nobody renews. */
  private notOfKong<T extends { cert: string }>(pairs: readonly T[]): T[] {
    const own = /^(admin-|admin-gui-|status-)?kong-default/;
    return pairs.filter(
      ({ cert }) => dirname(cert) !== join(this.prefix, 'ssl') || !own.test(basename(cert)),
    );
  }
}

const isHybrid = (values: ReadonlyMap<string, string>) =>
  ['control_plane', 'data_plane'].includes(values.get('role') ?? '');

/** A control plane trusts `cluster_ca_cert` alone with `cluster_mtls = pki`. */
function trustedFiles(values: ReadonlyMap<string, string>): NodeFacts['trusted'] {
  const ofCluster =
    isHybrid(values) && values.get('cluster_mtls') === 'pki' ? values.get('cluster_ca_cert') : '';
  return [
    ...paths(values.get('lua_ssl_trusted_certificate')).map((path) => ({ use: 'trusted_ca' as const, path })),
    ...paths(ofCluster).map((path) => ({ use: 'cluster_ca' as const, path })),
  ];
}

const streamListeners = (directive: string | undefined): TlsListener[] =>
  tlsListeners(directive).map((listener) => ({ ...listener, isStream: true }));

/** Certificates given as text are no files, and nobody renews them. */
const paths = (list?: string) => itemsOf(list).filter((item) => item.startsWith('/'));
