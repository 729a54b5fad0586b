import type { Gateway } from '../model';
import { answerError, bodyOf } from './admin/answers';
import type { AdminClient } from './admin/client';
import { DatabaseGateway } from './database/gateway';
import type { EditorOptions } from './declarative/editor';
import { DeclarativeGateway } from './declarative/gateway';
import { WorkspacesGateway } from './workspaces';

/** A Kong that answered. */
interface OpenedKong {
  /** Opens one more gateway, with a memory of its own; all of them end with the client. */
  open: () => Gateway;
  /** Number of its workers. */
  workers: number;
}

export interface OpenOptions extends EditorOptions {
  /** The workspaces to look after; empty: the one of the address. */
  workspaces: readonly string[];
  attempts?: number | undefined;
}

/**
 * Finds out which kind of Kong answers.
 * @throws AdminError with the obstacle
 */
export async function openGateway(
  client: AdminClient,
  { workspaces, attempts, ...editor }: OpenOptions,
): Promise<OpenedKong> {
  const answer = await client.request('GET', '/status', undefined, undefined, attempts);
  if (answer.status === 404) throw answerError(client, 'GET /status', answer, "is it Kong's Admin API?");
  const { configuration_hash: hash, memory, database } = bodyOf(client, 'GET /status', answer) as Status;
  // Another program answers /status at this port.
  if (memory === undefined && hash === undefined && database === undefined) {
    throw answerError(
      client,
      'GET /status',
      answer,
      'the answer is not the status of a Kong; is this its Admin API?',
    );
  }
  if (hash !== undefined && workspaces.length > 0) {
    throw new Error('admin.workspaces: a Kong without a database has no workspaces');
  }
  const open = () => {
    if (hash !== undefined) return new DeclarativeGateway(client, editor);
    if (workspaces.length === 0) return new DatabaseGateway(client);
    return new WorkspacesGateway(
      client,
      workspaces.map((name) => new DatabaseGateway(client.within(name))),
    );
  };
  return { open, workers: memory?.workers_lua_vms?.length ?? 1 };
}

interface Status {
  configuration_hash?: unknown;
  database?: unknown;
  memory?: { workers_lua_vms?: unknown[] };
}
