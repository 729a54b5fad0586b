import type { SourceType } from '../source-type';
import { FILE_FIELDS } from './fields';
import { FileSource } from './source';

export const FILE: SourceType<typeof FILE_FIELDS> = {
  fields: FILE_FIELDS,
  required: ['cert'],
  isRemote: false,
  create: ({ cert, key, chain, create }) =>
    new FileSource(cert ?? '', key ?? null, create ?? true, { chain: chain ?? null }),
  createTrust: ({ cert }) => new FileSource(cert ?? '', null, false),
};
