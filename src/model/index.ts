export * from './certificate';
export * from './ids';
export * from './plan';
export * from './reason';
export * from './report';
export * from './source';
export * from './stored';
export * from './stages';
