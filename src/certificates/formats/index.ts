export { inspectFiles, type Inspection } from './inspect';
export { openAny } from './unpack';
