import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { Authority } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import { apply, pathOf, type ApplyOptions } from './apply';
import { ApiClient, type Answer, type CallOptions, type KubernetesObject, type Watch } from './client';
import { installCrds } from './crds';
import { Etcd } from './etcd';
import { mountServiceAccount, type MountedServiceAccount, type MountOptions } from './mount';
import { freePort } from '../support/port';
import { startProcess, untilReady, type ServerProcess } from './process';
import {
  createServiceAccount,
  createToken,
  type PolicyRule,
  type ServiceAccountOptions,
  type TokenSigner,
} from './service-account';
import { findTools, type Tools } from './tools';

export interface ClusterOptions {
  /** Default: those that `findTools` finds. */
  tools?: Tools;
  /** False: each list and watch is answered by etcd itself, without bookmarks. Default true. */
  watchCache?: boolean;
  /** More arguments for kube-apiserver; the last of a name counts. */
  args?: readonly string[];
}

export interface SecretContent {
  /** PEM text of `tls.crt`; left out, there is no such entry. */
  cert?: string;
  /** PEM text of `tls.key`. */
  key?: string;
  /** More entries, e.g. `ca.crt`. */
  data?: Record<string, string | Buffer>;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  /** Default `kubernetes.io/tls`. The API server lets nobody change it. */
  type?: string;
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** Time for requests under way to end before a restart. */
const PATIENCE_MS = 20_000;
const base64 = (content: string | Buffer) =>
  (typeof content === 'string' ? Buffer.from(content) : content).toString('base64');

/**
 * A kube-apiserver and its etcd, on loopback and in a folder of their own. There are no controllers and no nodes:
 * a namespace that is deleted stays `Terminating`, no pod ever runs, and ConfigMaps such as `kube-root-ca.crt` are
 * not made.
 */
export class Cluster {
  #apiserver: ServerProcess | null = null;
  #etcd: Etcd | null = null;
  readonly #authority = Authority.root('Throw-away Cluster');
  readonly #signer: TokenSigner;
  readonly #api: ApiClient;

  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** PEM file of the authority that signed the API server's certificate. */
  readonly caFile: string;
  /** May do everything (`system:masters`). */
  readonly adminToken = randomBytes(24).toString('hex');
  /** The address of the API server, in the environment of a pod. */
  readonly podEnvironment: { KUBERNETES_SERVICE_HOST: string; KUBERNETES_SERVICE_PORT: string };

  private constructor(
    private readonly folder: string,
    private readonly tools: Tools,
    private readonly options: ClusterOptions,
    private readonly port: number,
  ) {
    this.url = `https://127.0.0.1:${port}`;
    this.podEnvironment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
    this.caFile = this.#write('ca.crt', this.#authority.cert);
    const names = ['kubernetes', 'kubernetes.default.svc', 'localhost', '127.0.0.1'];
    const serving = this.#authority.issue({ names });
    this.#write('apiserver.crt', serving.chain);
    this.#write('apiserver.key', serving.key);
    const signer = this.#authority.issue({ names: ['service-accounts'] });
    this.#write('service-accounts.key', signer.key);
    this.#write('service-accounts.crt', signer.cert);
    this.#signer = { issuer: ISSUER, key: signer.privateKey };
    this.#write('tokens.csv', `${this.adminToken},admin,admin,system:masters\n`);
    this.#api = new ApiClient(this.url, this.#authority.cert, this.adminToken);
  }

  /** Resolves when the API server is ready. @throws Error with the end of its log */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const tools = options.tools ?? findTools();
    if ('missing' in tools) throw new Error(tools.missing);
    const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-kubernetes-'));
    const cluster = new Cluster(folder, tools, options, await freePort());
    try {
      cluster.#etcd = await Etcd.start(tools.etcd, folder);
      await cluster.startApiserver();
      // The API server makes its own namespaces a moment after it is ready.
      await eventually('the namespace default is there', async () => {
        const { status } = await cluster.request('GET', '/api/v1/namespaces/default');
        return status === 200;
      });
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Ends both processes and removes their folder. */
  async stop(): Promise<void> {
    this.#api.close();
    await this.#apiserver?.stop(0);
    await this.#etcd?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts it where it had been before; resolves when it is ready. */
  async startApiserver(): Promise<void> {
    if (this.#etcd === null) throw new Error('etcd comes first');
    const file = (name: string) => join(this.folder, name);
    const args = [
      `--etcd-servers=${this.#etcd.url}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.port}`,
      `--tls-cert-file=${file('apiserver.crt')}`,
      `--tls-private-key-file=${file('apiserver.key')}`,
      `--cert-dir=${file('apiserver')}`,
      `--client-ca-file=${this.caFile}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      `--service-account-issuer=${ISSUER}`,
      `--service-account-signing-key-file=${file('service-accounts.key')}`,
      `--service-account-key-file=${file('service-accounts.crt')}`,
      // Else a token of an hour is one of a year.
      '--service-account-extend-token-expiration=false',
      '--service-cluster-ip-range=10.0.0.0/24',
      // Else a watch that is open holds a stopping server for a minute.
      '--shutdown-watch-termination-grace-period=5s',
      // Both are of no use without pods and nodes; the second refuses loopback addresses.
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
      `--watch-cache=${this.options.watchCache !== false}`,
      ...(this.options.args ?? []),
    ];
    this.#apiserver = startProcess(this.tools.apiserver, args, file('apiserver.log'));
    await untilReady('kube-apiserver', this.#apiserver, async () => {
      const { status } = await this.request('GET', '/readyz');
      return status === 200;
    });
  }

  /**
   * Stops it like a rollout: requests under way are answered, watches are closed.
   * @param patienceMs before it is killed; 0: at once, as a crash
   */
  async stopApiserver(patienceMs = PATIENCE_MS): Promise<void> {
    await this.#apiserver?.stop(patienceMs);
    this.#api.reset();
  }

  /** A new process on the same port, with nothing in its memory. */
  async restartApiserver(): Promise<void> {
    await this.stopApiserver();
    await this.startApiserver();
  }

  /**
   * Makes every resourceVersion up to now too old: a watch from there is answered by 410. The watch cache would
   * remember what etcd has forgotten, so where there is one the API server is restarted.
   */
  async compact(): Promise<void> {
    await this.#etcd?.compact();
    if (this.options.watchCache !== false) await this.restartApiserver();
  }

  /** Any status is an answer. @param body an object for JSON, or a text */
  request(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.#api.request(method, path, body, options);
  }

  /** Resolves when the answer has begun. @param path with its query; `watch=1` is added */
  watch(path: string, options: CallOptions = {}): Promise<Watch> {
    return this.#api.watch(path, options);
  }

  /** Creates any object or makes it what is given (server-side apply, unknown fields refused). @throws ApiError */
  apply(object: KubernetesObject, options: ApplyOptions = {}): Promise<KubernetesObject> {
    return apply(this.#api, object, options);
  }

  /**
   * Applies the objects of a YAML text in their order. In a dry run nothing is stored, so that the namespaces of
   * later objects have to be there already. @throws ApiError at the first that is refused
   */
  async applyManifest(text: string, options: ApplyOptions = {}): Promise<void> {
    for (const object of loadAll(text) as KubernetesObject[]) await this.apply(object, options);
  }

  /** @throws ApiError */
  async delete(object: KubernetesObject): Promise<void> {
    await this.#api.must('DELETE', await pathOf(this.#api, object));
  }

  async createNamespace(name: string): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  /** Makes the Secret what is given; entries, labels and annotations that are not named are removed. */
  applySecret(namespace: string, name: string, content: SecretContent): Promise<KubernetesObject> {
    const { cert, key, data = {}, annotations, labels, type = 'kubernetes.io/tls' } = content;
    const entries = Object.entries({ 'tls.crt': cert, 'tls.key': key, ...data });
    return this.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        ...{ name, namespace },
        ...(annotations === undefined ? {} : { annotations }),
        ...(labels === undefined ? {} : { labels }),
      },
      type,
      data: Object.fromEntries(
        entries.flatMap(([entry, text]) => (text === undefined ? [] : [[entry, base64(text)]])),
      ),
    });
  }

  async deleteSecret(namespace: string, name: string): Promise<void> {
    await this.delete({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } });
  }

  /**
   * A service account with a Role (or ClusterRole) of these rules and its binding. Called again it changes the
   * rules. Resolves when the rules are in force; of rules that were taken away it cannot know.
   */
  createServiceAccount(
    namespace: string,
    name: string,
    rules: readonly PolicyRule[],
    options: ServiceAccountOptions = {},
  ): Promise<void> {
    return createServiceAccount(this.#api, namespace, name, rules, options);
  }

  /** A token of a service account; see `createToken` for what becomes of short and negative lifetimes. */
  token(namespace: string, serviceAccount: string, expirationSeconds = 3600): Promise<string> {
    return createToken(this.#api, this.#signer, namespace, serviceAccount, expirationSeconds);
  }

  /** Lays a folder out as the kubelet mounts a service account into a pod. */
  mountServiceAccount(folder: string, options: MountOptions): Promise<MountedServiceAccount> {
    const newToken = (expirationSeconds?: number) =>
      this.token(options.namespace, options.serviceAccount, expirationSeconds);
    return mountServiceAccount(folder, options, this.#authority.cert, newToken);
  }

  /** Writes a kubeconfig and returns its path. @param token default: the administrator's */
  kubeconfig(path = join(this.folder, 'kubeconfig'), token = this.adminToken): string {
    const text = dump({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: { server: this.url, 'certificate-authority-data': base64(this.#authority.cert) },
        },
      ],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
      'current-context': 'test',
    });
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** Installs the definitions of the folder crds; resolves when their objects can be made. */
  installCrds(): Promise<void> {
    return installCrds(this.#api);
  }

  #write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}
