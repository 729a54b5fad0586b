export { EntryMemory } from './entry-memory';
export { Journal } from './journal';
export { KnowledgeFile, type Knowledge, type KnowledgeHead } from './knowledge-file';
export { ReloaderPresenter, type ReloaderView } from './reloader-view';
export { toReport, unreadiness, type ReportView } from './report-view';
export type { PolledEntry } from './backend';
export type { OperatorCommand } from './post-routes';
export { ServedBook } from './served-book';
export { StatusServer } from './server';
