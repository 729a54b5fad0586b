import type { Lease, LeaseSpec, LeaseStore } from '../model';
import { KubernetesError, type KubernetesClient } from './client';

/** A Lease in a cluster. */
export class KubernetesLeases implements LeaseStore {
  readonly name: string;
  readonly #collection: string;

  constructor(
    private readonly client: KubernetesClient,
    private readonly lease: string,
    private readonly namespace: string = client.namespace,
  ) {
    this.name = `${namespace}/${lease}`;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  }

  async read(): Promise<Lease | null> {
    try {
      return await this.client.get<Lease>(this.path);
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 404) return null;
      throw error;
    }
  }

  async create(spec: LeaseSpec): Promise<Lease> {
    const lease = { ...KIND, metadata: { name: this.lease, namespace: this.namespace }, spec };
    return (await this.client.send('POST', this.#collection, lease)) as Lease;
  }

  async update(lease: Lease): Promise<Lease> {
    return (await this.client.send('PUT', this.path, lease)) as Lease;
  }

  close(): void {
    this.client.close();
  }

  private get path(): string {
    return `${this.#collection}/${encodeURIComponent(this.lease)}`;
  }
}

const KIND = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
