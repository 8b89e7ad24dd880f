-- What the projector knows of a target's health: failures in a row and since when, what was told of them, when the last
-- loss was. Null: nothing was observed yet.
ALTER TABLE {schema}.lane ADD COLUMN health json;
