import type { SourceConfig } from '../config';
import { DIRECTORY } from './directory';
import { FILE } from './file';
import { HTTP } from './http';
import { KUBERNETES } from './kubernetes';
import type { SourceType } from './source-type';
import { VAULT } from './vault';

/** Every type of source, by its name in the configuration. */
export const SOURCE_TYPES: Readonly<Record<SourceConfig['type'], SourceType>> = {
  file: FILE,
  directory: DIRECTORY,
  kubernetes: KUBERNETES,
  vault: VAULT,
  http: HTTP,
};
