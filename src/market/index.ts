export { type Calendar, utcDays } from "./calendar.js";
export { assignPieces, DEFAULT_MAX_GAP, type PieceOptions, type Pieces, pieceRule } from "./pieces.js";
