export { provenBarTime } from "./barTime.js";
export { Calendar, calendarSentence, type Session, UNKNOWN_HOURS } from "./calendar.js";
export { assignPieces, DEFAULT_MAX_GAP, isDaily, type PieceOptions, type Pieces, pieceRule } from "./pieces.js";
export { pieceBreaks, piecesOfBars } from "./pipelinePieces.js";
export { type AdjustedBars, adjustBars, after, rollsOfContracts, spliced } from "./rolls.js";
