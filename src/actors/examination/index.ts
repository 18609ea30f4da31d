/** The examination of a store's rows, for the doctor. */
export { examineRows } from './examination.js';
export type { RowFinding } from './scene.js';
