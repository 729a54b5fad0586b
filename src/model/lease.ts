/** What a Lease says (coordination.k8s.io/v1). */
export interface LeaseSpec {
  /** Empty: nobody holds it. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  /** How often the holder changed. */
  leaseTransitions?: number;
}

export interface Lease {
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  spec?: LeaseSpec;
}

/** One Lease, where it is kept. */
export interface LeaseStore {
  /** For people: `namespace/name`. */
  readonly name: string;
  /** Null: there is none. */
  read(): Promise<Lease | null>;
  /** @throws Error of the failure kind `conflict` where somebody else was faster */
  create(spec: LeaseSpec): Promise<Lease>;
  /** Writes what was read. @throws Error of the failure kind `conflict` where somebody else wrote since */
  update(lease: Lease): Promise<Lease>;
  close(): void;
}
