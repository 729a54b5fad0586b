export { factsOf, type FileFacts, type LeafFacts } from './facts';
export { inspectFiles, type Inspection } from './inspect';
export { openAny } from './unpack';
