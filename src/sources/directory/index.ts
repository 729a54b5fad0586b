import type { SourceType } from '../source-type';
import { DIRECTORY_FIELDS } from './fields';
import { singleFiles } from './layout';
import { DirectorySource } from './source';

export const DIRECTORY: SourceType<typeof DIRECTORY_FIELDS> = {
  fields: DIRECTORY_FIELDS,
  required: ['path'],
  isRemote: false,
  create: ({ path, create }, { passwords }) => new DirectorySource(path ?? '', create ?? true, { passwords }),
  createTrust: ({ path }) => new DirectorySource(path ?? '', false, { layout: singleFiles }),
};
