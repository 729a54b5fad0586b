import type { NamedField, Values } from '../config';
import type { ClusterConfig, KubernetesClient } from '../kubernetes';
import type { Source } from '../model';
import type { SHARED_FIELDS } from './fields';
import type { Passwords } from './password';

type Fields = readonly NamedField[];

/** The configuration of a source, as its type sees it. */
export type ConfigOf<F extends Fields> = Values<F> & Values<typeof SHARED_FIELDS>;

/** A type of source: its fields in the configuration, and how a source is made of them. */
export interface SourceType<F extends Fields> {
  /** Beside those that every source has; several types may share one. */
  fields: F;
  /** Names of the fields that it cannot do without. */
  required: readonly string[];
  /** It asks over a network, which may take long. */
  isRemote: boolean;
  /**
   * A source of bundles. Whatever is heavy is loaded with its first scan.
   * @throws Error where fields do not go together; it quotes no value
   */
  create: (config: ConfigOf<F>, context: SourceContext) => Source;
  /** The same place as a source of CA certificates, which Kong is to trust. @throws Error as `create` */
  createTrust: (config: ConfigOf<F>, context: SourceContext) => Source;
  /** A way to the password of its keystores that only this type has; null: not configured. */
  passwords?: (config: ConfigOf<F>, context: Omit<SourceContext, 'passwords'>) => Passwords | null;
}

/** What a source is made with, beside its fields. */
export interface SourceContext {
  /** Where it stands in the configuration: `sources[0]`. */
  at: string;
  /** Ids of the sources before it. */
  ids: ReadonlySet<string>;
  /** What opens its keystores and encrypted keys; null: nothing is configured. */
  passwords: Passwords | null;
  /** The client of a cluster; all sources of one cluster share it. */
  clientOf: (cluster: ClusterConfig) => KubernetesClient;
}

/** Says where in the configuration something is wrong; never quotes a value, it may be a secret. */
export function configProblem(at: string, field: string, problem: string): Error {
  return new Error(`${at}.${field}: ${problem}`);
}
