import type { SourceConfig } from '../config';
import type { NamedField } from '../config/fields/kong-field';
import type { ClusterConfig, KubernetesClient } from '../kubernetes';
import type { Source } from '../model';
import type { Passwords } from './password';

/** A type of source: its fields in the configuration, and how a source is made of them. */
export interface SourceType {
  /** Beside those that every source has. */
  fields: readonly NamedField[];
  /** Names of the fields that it cannot do without. */
  required: readonly string[];
  /**
   * A source of bundles. Whatever is heavy is loaded with its first scan.
   * @throws Error where fields do not go together; it quotes no value
   */
  create: (config: SourceConfig, context: SourceContext) => Source;
  /** The same place as a source of CA certificates, which Kong is to trust. @throws Error as `create` */
  createTrust: (config: SourceConfig, context: SourceContext) => Source;
  /** A way to the password of its keystores that only this type has; null: not configured. */
  passwords?: (config: SourceConfig, context: SourceContext) => Passwords | null;
}

/** What a source is made with, beside its fields. */
export interface SourceContext {
  /** Where it stands in the configuration: `sources[0]`. */
  at: string;
  /** Ids of the sources before it. */
  ids: ReadonlySet<string>;
  /** The client of a cluster; all sources of one cluster share it. */
  clientOf: (cluster: ClusterConfig) => KubernetesClient;
}

/** Says where in the configuration something is wrong; never quotes a value, it may be a secret. */
export function configProblem(at: string, field: string, problem: string): Error {
  return new Error(`${at}.${field}: ${problem}`);
}
