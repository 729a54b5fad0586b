/** Content of a Lease (coordination.k8s.io/v1). */
export interface LeaseSpec {
  /** Empty: it has no holder. */
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

/** The place where the one Lease is kept. */
export interface LeaseStore {
  /** `namespace/name`, for people. */
  readonly name: string;
  /** Null: there is none. */
  read(): Promise<Lease | null>;
  /** @throws Error of the failure kind `conflict` where another gateway was faster */
  create(spec: LeaseSpec): Promise<Lease>;
  /**
   * Writes a Lease that was read.
   * @throws Error of the failure kind `conflict` where it was changed since
   */
  update(lease: Lease): Promise<Lease>;
  close(): void;
}
