export { History, historyPath } from './history';
export { readHistory, type HistoryQuery } from './read';
