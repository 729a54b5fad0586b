import type { Config } from './config';
import { DeclarativeFile, type ReadTexts } from '../write-back';
import type { Connection } from './connection';

/** Null: it is not wanted, or there is a database, which a Kong starts from. */
export function createDeclarativeFile(config: Config, kong: Connection): DeclarativeFile | null {
  if (!config.write_back || kong.mode === 'database') return null;
  const textsOf: ReadTexts = async (id) => {
    const { status, body } = await kong.client.get(`/certificates/${id}`);
    return status === 200 ? (body as Awaited<ReturnType<ReadTexts>>) : null;
  };
  return new DeclarativeFile(textsOf, config.write_back_file ?? kong.files?.declarativeConfig ?? null);
}
