/** So many a second are no more read one by one, but counted. */
export const FLOOD = 50
/** Between two drawings of a flood: a table of other rows in each frame leaves none for the reader. */
export const FLOOD_PAUSE = 250
