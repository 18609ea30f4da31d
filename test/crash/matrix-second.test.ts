/** The second half of the matrix of adapters, troubles and crashes: see matrix/rows.ts. */
import '../../src/index.js';
import { declareRows } from './matrix/rows.js';

declareRows(1);
