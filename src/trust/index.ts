export { Trust } from './trust';
