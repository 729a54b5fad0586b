export { History, historyPath, type HistoryOptions } from './history';
export { readHistory, type HistoryQuery } from './read';
