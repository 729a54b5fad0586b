export { Election, type ElectionOptions } from './election';
