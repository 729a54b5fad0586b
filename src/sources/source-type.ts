import type { NamedField, Values } from '../config';
import type { ClusterConfig, KubernetesClient } from '../kubernetes';
import type { Source } from '../model';
import type { SHARED_FIELDS } from './fields';
import type { Passwords } from './password';

type Fields = readonly NamedField[];

/** The configuration of a source, as its type sees it. */
export type ConfigOf<F extends Fields> = Values<F> & Values<typeof SHARED_FIELDS>;

/** A type of source: its fields in the configuration, and its factory. */
export interface SourceType<F extends Fields> {
  /** Fields beside those of every source; types may share one. */
  fields: F;
  /** Names of required fields. */
  required: readonly string[];
  /** Whether it asks over a network, which may take long. */
  isRemote: boolean;
  /**
   * Makes a source of bundles. Heavy libraries are loaded with its first scan.
   * @throws Error where fields are inconsistent; it quotes no value
   */
  create: (config: ConfigOf<F>, context: SourceContext) => Source;
  /**
   * Makes the same place a source of CA certificates that Kong should trust.
   * @throws Error as `create`
   */
  createTrust: (config: ConfigOf<F>, context: SourceContext) => Source;
  /** A way to the password of its keystores that only this type has; null: not configured. */
  passwords?: (config: ConfigOf<F>, context: Omit<SourceContext, 'passwords'>) => Passwords | null;
}

/** Context of a source, beside its fields. */
export interface SourceContext {
  /** Its position in the configuration: `sources[0]`. */
  at: string;
  /** Ids of the sources before it. */
  ids: ReadonlySet<string>;
  /** Opens its keystores and encrypted keys; null: not configured. */
  passwords: Passwords | null;
  /** The client of a cluster, shared by all sources of that cluster. */
  clientOf: (cluster: ClusterConfig) => KubernetesClient;
}

/** An error at a position of the configuration; never quotes a value, which may be a secret. */
export function configProblem(at: string, field: string, problem: string): Error {
  return new Error(`${at}.${field}: ${problem}`);
}
