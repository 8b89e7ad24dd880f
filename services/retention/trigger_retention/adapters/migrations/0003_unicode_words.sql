-- What a word is, by Unicode's own categories: letters, marks and numbers (L, Mn, Mc, N). The same
-- rule and the same characters as trigger_api.domain.words and word_characters; a test compares them.
-- And how much of a payload is looked through: 10,000 characters of its JSON text.

-- Whether a payload is longer than what is looked through of it. Its bytes are known at once,
-- and a character has four at most.
CREATE FUNCTION {schema}.is_cut(payload json) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN octet_length(payload::text) > 10000
        AND (octet_length(payload::text) > 40000 OR length(payload::text) > 10000);

-- What a payload says, for looking at its letters: NFKC_Casefold (Unicode, 3.13), with one letter i.
-- U+0001, which no JSON text holds, ends what was cut. An ASCII text is none of that but lower case.
CREATE OR REPLACE FUNCTION {schema}.said(payload json) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20
AS $function$
DECLARE
    ignored    CONSTANT text := '\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164'
        '\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
        '\U000e0000-\U000e0fff';
    symbols    CONSTANT text := '\u00a8\u00af\u00b4\u00b8\u02d8-\u02dd\u0384\u0385\u1fbd\u1fbf-\u1fc1\u1fcd-\u1fcf\u1fdd-\u1fdf'
        '\u1fed\u1fee\u1ffd\u1ffe\u2017\u203e\u20a8\u2100\u2101\u2103\u2105\u2106\u2109\u2116\u2120-\u2122'
        '\u213b\u249c-\u24e9\u2adc\u2e9f\u2ef3-\u2fd5\u309b\u309c\u3196-\u319f\u3200-\u321e\u322a-\u3247'
        '\u3250\u3260-\u327e\u328a-\u32b0\u32c0-\u33ff\ufdfc\ufe49-\ufe4c\uffe3\U0001d15e-\U0001d164'
        '\U0001d1bb-\U0001d1c0\U0001f110-\U0001f12e\U0001f130-\U0001f14f\U0001f16a-\U0001f16c\U0001f190'
        '\U0001f200-\U0001f251';
    said text := payload::text;
BEGIN
    IF octet_length(said) > 10000 AND (octet_length(said) > 40000 OR length(said) > 10000) THEN
        said := left(said, 10000) || E'\x01';
    END IF;
    IF strpos(said, '\') > 0 THEN -- an escape is a separator
        said := regexp_replace(said, '\\(u[0-9A-Fa-f]{4}|[^\u0001])', ' ', 'g');
    END IF;
    IF octet_length(said) = length(said) THEN
        RETURN lower(said COLLATE "C");
    END IF;
    IF said ~ ('[' || ignored || symbols || ']') THEN
        said := regexp_replace(said, '[' || ignored || ']+', '', 'g');
        said := regexp_replace(said, '[' || symbols || ']+', ' ', 'g');
    END IF;
    IF said IS NOT NFKC NORMALIZED THEN
        said := normalize(said, NFKC);
    END IF;
    said := casefold(said COLLATE "pg_unicode_fast");
    IF said IS NOT NFKC NORMALIZED THEN
        said := normalize(said, NFKC);
    END IF;
    RETURN replace(replace(said, U&'i\0307', 'i'), U&'\0131', 'i');
END
$function$;

-- The words of what is said, each as 64 bits of hash; of a run in a script that is written without
-- spaces its characters, and each two that follow one another.
CREATE FUNCTION {schema}.hashes_of(said text) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 300
AS $function$
DECLARE
    spaced     CONSTANT text := '0-9A-Za-z\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba\u00bc-\u00be\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02c1'
        '\u02c6-\u02d1\u02e0-\u02e4\u02ec\u02ee\u0300-\u0374\u0376-\u037d\u037f\u0386\u0388-\u03f5'
        '\u03f7-\u0481\u0483-\u0487\u048a-\u0559\u0560-\u0588\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5'
        '\u05c7-\u05f2\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u06dc\u06df-\u06e8\u06ea-\u06fc\u06ff'
        '\u0710-\u07f5\u07fa-\u07fd\u0800-\u082d\u0840-\u085b\u0860-\u0887\u0889-\u088e\u0897-\u08e1'
        '\u08e3-\u0963\u0966-\u096f\u0971-\u09f1\u09f4-\u09f9\u09fc\u09fe-\u0a75\u0a81-\u0aef\u0af9-\u0b6f'
        '\u0b71-\u0bf2\u0c00-\u0c6f\u0c78-\u0c7e\u0c80-\u0c83\u0c85-\u0d4e\u0d54-\u0d78\u0d7a-\u0df3'
        '\u10a0-\u10fa\u10fc-\u10ff\u1200-\u135f\u1369-\u138f\u13a0-\u13fd\u1401-\u166c\u166f-\u167f'
        '\u1681-\u169a\u16a0-\u16ea\u16ee-\u1734\u1740-\u1773\u1810-\u193b\u1946-\u194f\u1a00-\u1a1b'
        '\u1ab0-\u1abd\u1abf-\u1ace\u1b80-\u1bf3\u1c00-\u1c37\u1c40-\u1c7d\u1c80-\u1cbf\u1cd0-\u1cd2'
        '\u1cd4-\u1fbc\u1fbe\u1fc2-\u1fcc\u1fd0-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ffc\u2070-\u2079\u207f-\u2089'
        '\u2090-\u209c\u20d0-\u20dc\u20e1\u20e5-\u20f0\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124'
        '\u2126\u2128\u212a-\u212d\u212f-\u2139\u213c-\u213f\u2145-\u2149\u214e\u2150-\u2189\u2460-\u249b'
        '\u24ea-\u24ff\u2776-\u2793\u2c00-\u2ce4\u2ceb-\u2cf3\u2cfd\u2d00-\u2d6f\u2d7f-\u2dff\u2e2f\u3006'
        '\u303c\u3192-\u3195\u3220-\u3229\u3248-\u324f\u3251-\u325f\u3280-\u3289\u32b1-\u32bf\ua4d0-\ua4fd'
        '\ua500-\ua60c\ua610-\ua66f\ua674-\ua67d\ua67f-\ua6f1\ua717-\ua71f\ua722-\ua788\ua78b-\ua827'
        '\ua82c-\ua835\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb\ua8fd-\ua92d\ua930-\ua953\ua9cf'
        '\uaa00-\uaa59\uaae0-\uaaef\uaaf2-\uab5a\uab5c-\uab69\uab70-\uabea\uabec-\uabf9\ufb00-\ufb28'
        '\ufb2a-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdc7\ufdf0-\ufdfb\ufe20-\ufe2f\ufe70-\ufefc\uff10-\uff19'
        '\uff21-\uff3a\uff41-\uff5a\uff9e\uff9f\U00010000-\U000100fa\U00010107-\U00010133'
        '\U00010140-\U00010178\U0001018a\U0001018b\U000101fd-\U0001039d\U000103a0-\U000103cf'
        '\U000103d1-\U00010563\U00010570-\U00010855\U00010858-\U00010876\U00010879-\U0001091b'
        '\U00010920-\U00010939\U00010980-\U00010a48\U00010a60-\U00010a7e\U00010a80-\U00010ac7'
        '\U00010ac9-\U00010aef\U00010b00-\U00010b35\U00010b40-\U00010b91\U00010ba9-\U00010d6d'
        '\U00010d6f-\U00010d85\U00010e60-\U00010eac\U00010eb0-\U00010f54\U00010f70-\U00010f85'
        '\U00010fb0-\U00011046\U00011052-\U000110ba\U000110c2\U000110d0-\U0001113f\U00011144-\U00011173'
        '\U00011176-\U000111c4\U000111c9-\U000111cc\U000111ce-\U000111da\U000111dc\U000111e1-\U00011237'
        '\U0001123e-\U000112a8\U000112b0-\U000113d3\U000113e1-\U0001144a\U00011450-\U00011459'
        '\U0001145e-\U000114c5\U000114c7-\U000115c0\U000115d8-\U00011640\U00011644-\U00011659'
        '\U00011680-\U000116b8\U000116c0-\U000116c9\U00011700-\U0001173b\U00011740-\U0001183a'
        '\U000118a0-\U00011943\U00011950-\U000119e1\U000119e3-\U00011a3e\U00011a47-\U00011a99\U00011a9d'
        '\U00011ab0-\U00011af8\U00011bc0-\U00011be0\U00011bf0-\U00011c40\U00011c50-\U00011c6c'
        '\U00011c72-\U00011ef6\U00011f00-\U00011f42\U00011f50-\U00011fd4\U00012000-\U0001246e'
        '\U00012480-\U00012ff0\U00013000-\U0001342f\U00013440-\U00016a69\U00016a70-\U00016af4'
        '\U00016b00-\U00016b36\U00016b40-\U00016b43\U00016b50-\U00016d6c\U00016d70-\U00016e96'
        '\U00016f00-\U00016fe1\U00016fe4\U00017000-\U00018d08\U0001b170-\U0001bc99\U0001bc9d\U0001bc9e'
        '\U0001ccf0-\U0001ccf9\U0001cf00-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d182'
        '\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001d2c0-\U0001d2f3'
        '\U0001d360-\U0001d6c0\U0001d6c2-\U0001d6da\U0001d6dc-\U0001d6fa\U0001d6fc-\U0001d714'
        '\U0001d716-\U0001d734\U0001d736-\U0001d74e\U0001d750-\U0001d76e\U0001d770-\U0001d788'
        '\U0001d78a-\U0001d7a8\U0001d7aa-\U0001d7c2\U0001d7c4-\U0001d7ff\U0001da00-\U0001da36'
        '\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001e14e\U0001e290-\U0001e2f9'
        '\U0001e4d0-\U0001e5fa\U0001e7e0-\U0001e959\U0001ec71-\U0001ecab\U0001ecad-\U0001ecaf'
        '\U0001ecb1-\U0001ed2d\U0001ed2f-\U0001eebb\U0001f100-\U0001f10c\U0001fbf0-\U0001fbf9';
    continuous CONSTANT text := '\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0f00\u0f18\u0f19\u0f20-\u0f33\u0f35\u0f37\u0f39'
        '\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u1000-\u1049\u1050-\u109d\u1100-\u11ff\u1780-\u17d3\u17d7'
        '\u17dc-\u17f9\u1950-\u19da\u1a20-\u1a99\u1aa7\u1b00-\u1b4c\u1b50-\u1b59\u1b6b-\u1b73\u3005\u3007'
        '\u3021-\u302f\u3031-\u3035\u3038-\u303b\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u318e'
        '\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua48c\ua960-\ua9c0\ua9d0-\ua9d9\ua9e0-\ua9fe'
        '\uaa60-\uaa76\uaa7a-\uaadd\uac00-\ud7fb\uf900-\ufad9\uff66-\uff9d\uffa1-\uffdc\U000116d0-\U000116e3'
        '\U00016fe3\U00016ff0\U00016ff1\U0001aff0-\U0001b167\U00020000-\U000323af';
    pieces text[];
BEGIN
    IF right(said, 1) = E'\x01' THEN -- what was cut in two is not a word
        said := coalesce(substring(said FROM '.*[^\u0001' || spaced || ']'), '');
    END IF;
    IF octet_length(said) = length(said) THEN
        pieces := regexp_split_to_array(said, '[^0-9a-z]+');
    ELSE
        pieces := regexp_split_to_array(said, '[^' || spaced || ']+');
        IF said ~ ('[' || continuous || ']') THEN
            said := regexp_replace(said, '[^' || continuous || ']+', ' ', 'g');
            pieces := pieces || ARRAY(
                SELECT unnest(ARRAY[one, CASE WHEN next <> ' ' THEN one || next END])
                FROM (SELECT string_to_array(said, NULL) AS all_of_them) AS characters
                CROSS JOIN unnest(all_of_them, all_of_them[2:]) AS each (one, next)
                WHERE one <> ' ');
        END IF;
    END IF;
    RETURN ARRAY(
        SELECT hashtextextended(piece COLLATE "C", 0) FROM unnest(pieces) AS piece WHERE piece <> '');
END
$function$;

-- The names are bound now: a rebuild may rename the schema.
CREATE OR REPLACE FUNCTION {schema}.word_hashes(payload json) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN {schema}.hashes_of({schema}.said(payload));

-- Whether all of these words are in what is said, whole; of runs any part. A look for letters first: it
-- costs a tenth of the pattern, and leaves few. (U+0001 follows what may be half a word.)
CREATE FUNCTION {schema}.holds(said text, words text[], runs text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20
AS $function$
DECLARE
    spaced     CONSTANT text := '0-9A-Za-z\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba\u00bc-\u00be\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02c1'
        '\u02c6-\u02d1\u02e0-\u02e4\u02ec\u02ee\u0300-\u0374\u0376-\u037d\u037f\u0386\u0388-\u03f5'
        '\u03f7-\u0481\u0483-\u0487\u048a-\u0559\u0560-\u0588\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5'
        '\u05c7-\u05f2\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u06dc\u06df-\u06e8\u06ea-\u06fc\u06ff'
        '\u0710-\u07f5\u07fa-\u07fd\u0800-\u082d\u0840-\u085b\u0860-\u0887\u0889-\u088e\u0897-\u08e1'
        '\u08e3-\u0963\u0966-\u096f\u0971-\u09f1\u09f4-\u09f9\u09fc\u09fe-\u0a75\u0a81-\u0aef\u0af9-\u0b6f'
        '\u0b71-\u0bf2\u0c00-\u0c6f\u0c78-\u0c7e\u0c80-\u0c83\u0c85-\u0d4e\u0d54-\u0d78\u0d7a-\u0df3'
        '\u10a0-\u10fa\u10fc-\u10ff\u1200-\u135f\u1369-\u138f\u13a0-\u13fd\u1401-\u166c\u166f-\u167f'
        '\u1681-\u169a\u16a0-\u16ea\u16ee-\u1734\u1740-\u1773\u1810-\u193b\u1946-\u194f\u1a00-\u1a1b'
        '\u1ab0-\u1abd\u1abf-\u1ace\u1b80-\u1bf3\u1c00-\u1c37\u1c40-\u1c7d\u1c80-\u1cbf\u1cd0-\u1cd2'
        '\u1cd4-\u1fbc\u1fbe\u1fc2-\u1fcc\u1fd0-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ffc\u2070-\u2079\u207f-\u2089'
        '\u2090-\u209c\u20d0-\u20dc\u20e1\u20e5-\u20f0\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124'
        '\u2126\u2128\u212a-\u212d\u212f-\u2139\u213c-\u213f\u2145-\u2149\u214e\u2150-\u2189\u2460-\u249b'
        '\u24ea-\u24ff\u2776-\u2793\u2c00-\u2ce4\u2ceb-\u2cf3\u2cfd\u2d00-\u2d6f\u2d7f-\u2dff\u2e2f\u3006'
        '\u303c\u3192-\u3195\u3220-\u3229\u3248-\u324f\u3251-\u325f\u3280-\u3289\u32b1-\u32bf\ua4d0-\ua4fd'
        '\ua500-\ua60c\ua610-\ua66f\ua674-\ua67d\ua67f-\ua6f1\ua717-\ua71f\ua722-\ua788\ua78b-\ua827'
        '\ua82c-\ua835\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb\ua8fd-\ua92d\ua930-\ua953\ua9cf'
        '\uaa00-\uaa59\uaae0-\uaaef\uaaf2-\uab5a\uab5c-\uab69\uab70-\uabea\uabec-\uabf9\ufb00-\ufb28'
        '\ufb2a-\ufbb1\ufbd3-\ufd3d\ufd50-\ufdc7\ufdf0-\ufdfb\ufe20-\ufe2f\ufe70-\ufefc\uff10-\uff19'
        '\uff21-\uff3a\uff41-\uff5a\uff9e\uff9f\U00010000-\U000100fa\U00010107-\U00010133'
        '\U00010140-\U00010178\U0001018a\U0001018b\U000101fd-\U0001039d\U000103a0-\U000103cf'
        '\U000103d1-\U00010563\U00010570-\U00010855\U00010858-\U00010876\U00010879-\U0001091b'
        '\U00010920-\U00010939\U00010980-\U00010a48\U00010a60-\U00010a7e\U00010a80-\U00010ac7'
        '\U00010ac9-\U00010aef\U00010b00-\U00010b35\U00010b40-\U00010b91\U00010ba9-\U00010d6d'
        '\U00010d6f-\U00010d85\U00010e60-\U00010eac\U00010eb0-\U00010f54\U00010f70-\U00010f85'
        '\U00010fb0-\U00011046\U00011052-\U000110ba\U000110c2\U000110d0-\U0001113f\U00011144-\U00011173'
        '\U00011176-\U000111c4\U000111c9-\U000111cc\U000111ce-\U000111da\U000111dc\U000111e1-\U00011237'
        '\U0001123e-\U000112a8\U000112b0-\U000113d3\U000113e1-\U0001144a\U00011450-\U00011459'
        '\U0001145e-\U000114c5\U000114c7-\U000115c0\U000115d8-\U00011640\U00011644-\U00011659'
        '\U00011680-\U000116b8\U000116c0-\U000116c9\U00011700-\U0001173b\U00011740-\U0001183a'
        '\U000118a0-\U00011943\U00011950-\U000119e1\U000119e3-\U00011a3e\U00011a47-\U00011a99\U00011a9d'
        '\U00011ab0-\U00011af8\U00011bc0-\U00011be0\U00011bf0-\U00011c40\U00011c50-\U00011c6c'
        '\U00011c72-\U00011ef6\U00011f00-\U00011f42\U00011f50-\U00011fd4\U00012000-\U0001246e'
        '\U00012480-\U00012ff0\U00013000-\U0001342f\U00013440-\U00016a69\U00016a70-\U00016af4'
        '\U00016b00-\U00016b36\U00016b40-\U00016b43\U00016b50-\U00016d6c\U00016d70-\U00016e96'
        '\U00016f00-\U00016fe1\U00016fe4\U00017000-\U00018d08\U0001b170-\U0001bc99\U0001bc9d\U0001bc9e'
        '\U0001ccf0-\U0001ccf9\U0001cf00-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d182'
        '\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001d2c0-\U0001d2f3'
        '\U0001d360-\U0001d6c0\U0001d6c2-\U0001d6da\U0001d6dc-\U0001d6fa\U0001d6fc-\U0001d714'
        '\U0001d716-\U0001d734\U0001d736-\U0001d74e\U0001d750-\U0001d76e\U0001d770-\U0001d788'
        '\U0001d78a-\U0001d7a8\U0001d7aa-\U0001d7c2\U0001d7c4-\U0001d7ff\U0001da00-\U0001da36'
        '\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001e14e\U0001e290-\U0001e2f9'
        '\U0001e4d0-\U0001e5fa\U0001e7e0-\U0001e959\U0001ec71-\U0001ecab\U0001ecad-\U0001ecaf'
        '\U0001ecb1-\U0001ed2d\U0001ed2f-\U0001eebb\U0001f100-\U0001f10c\U0001fbf0-\U0001fbf9';
    part  text;
    class text;
BEGIN
    FOREACH part IN ARRAY words || runs LOOP
        IF strpos(said, part) = 0 THEN
            RETURN false;
        END IF;
    END LOOP;
    class := CASE WHEN octet_length(said) = length(said) THEN '0-9a-z' ELSE spaced END;
    FOREACH part IN ARRAY words LOOP
        IF said !~ ('(^|[^' || class || '])' || part || '([^\u0001' || class || ']|$)') THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$function$;

CREATE FUNCTION {schema}.says(payload json, words text[], runs text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN {schema}.holds({schema}.said(payload), words, runs);

-- Where a search may not find everything.
CREATE INDEX event_cut ON {schema}.event (logged_at DESC, event_id DESC) WHERE {schema}.is_cut(payload);

-- What is indexed by the old rule is indexed anew: all hours are open, and all rows wait.
DO $body$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '{schema}.event'::regclass
    LOOP
        EXECUTE format('DROP INDEX IF EXISTS {schema}.%I, {schema}.%I, {schema}.%I, {schema}.%I',
            one.name || '_words', one.name || '_names', one.name || '_unusual_source',
            one.name || '_unusual_trigger_type');
    END LOOP;
    FOR one IN
        SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '{schema}.recent_word'::regclass
    LOOP
        EXECUTE format('DROP TABLE {schema}.%I', one.name);
    END LOOP;
END
$body$;
INSERT INTO {schema}.waiting_word SELECT event_id FROM {schema}.event WHERE payload IS NOT NULL
    ON CONFLICT (event_id) DO NOTHING;

CREATE OR REPLACE VIEW {schema}.events AS
    SELECT event_id, trigger_id, trigger_name, trigger_type, trigger_version, status, source,
           is_test, scheduled_for, fired_at, logged_at, misfire, reason, errors, count,
           last_scheduled_for, payload,
           CASE WHEN logged_at > now() - (SELECT active_for FROM {schema}.life)
                THEN 'active' ELSE 'archived' END AS state,
           logged_at + (SELECT active_for FROM {schema}.life) AS archives_at,
           logged_at + (SELECT kept_for FROM {schema}.life) AS deletes_at,
           replay_of,
           fired_at - scheduled_for AS lateness,
           {schema}.said(payload) AS said,
           {schema}.word_hashes(payload) AS word_hashes,
           {schema}.is_cut(payload) AS is_cut
    FROM {schema}.event
    WHERE logged_at > now() - (SELECT kept_for FROM {schema}.life);

CREATE OR REPLACE VIEW {schema}.active AS
    SELECT * FROM {schema}.events
    WHERE logged_at > now() - (SELECT active_for FROM {schema}.life);

CREATE OR REPLACE VIEW {schema}.archived AS
    SELECT * FROM {schema}.events
    WHERE logged_at <= now() - (SELECT active_for FROM {schema}.life);

-- Indexes the words of rows that wait for it, the newest first, where there are ``at_least`` of
-- them; ``at_most`` at once, and no more begun once that has taken a second: what long payloads say is
-- dear. 0 where there is nothing to do, or another replica is at it; any other
-- number means that there may be more.
CREATE OR REPLACE FUNCTION {schema}.index_words(at_least integer, at_most integer) RETURNS integer
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '100ms'
AS $function$
DECLARE
    self    oid;
    home    text;
    one     record;
    changed integer := 0;
    taken   uuid[];
    bite    uuid[];
    done    integer := 0;
    began   timestamptz := clock_timestamp();
BEGIN
    GET DIAGNOSTICS self = PG_ROUTINE_OID;
    SELECT nspname INTO STRICT home
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.oid = self;
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', home), true);
    IF NOT pg_try_advisory_xact_lock(4773005, self::integer) THEN
        RETURN 0;
    END IF;
    -- Those of hours that are closed or gone since. Searches wait for this, too: see below.
    FOR one IN
        SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'recent_word'::regclass
            AND relname NOT IN (SELECT words FROM hours WHERE NOT is_closed)
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I.%I', home, one.name);
            changed := changed + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL; -- somebody is searching; it does no harm till later
        END;
    END LOOP;
    IF changed > 0 THEN
        RETURN changed;
    END IF;
    -- What is left of hours that are closed or gone.
    DELETE FROM waiting_word WHERE event_id < coalesce(
        (SELECT first_id FROM hours WHERE NOT is_closed ORDER BY first_id LIMIT 1),
        'ffffffff-ffff-ffff-ffff-ffffffffffff'); -- where every hour is closed
    SELECT array_agg(event_id ORDER BY event_id DESC) INTO taken
        FROM (SELECT event_id FROM waiting_word ORDER BY event_id DESC LIMIT at_most) AS waiting;
    IF coalesce(cardinality(taken), 0) < at_least THEN
        RETURN 0;
    END IF;
    FOR one IN
        SELECT first_id, end_id, words AS name FROM hours
        WHERE NOT is_closed AND to_regclass(words) IS NULL
            AND EXISTS (SELECT FROM unnest(taken) AS id WHERE id >= first_id AND id < end_id)
    LOOP
        -- A search that is planned knows the partitions of that moment, and sees what is committed
        -- when it begins to read: it is waited for, and others wait. So nothing else is done then.
        LOCK TABLE recent_word IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %1$I.%2$I PARTITION OF %1$I.recent_word FOR VALUES FROM (%3$L) TO (%4$L)',
            home, one.name, one.first_id, one.end_id);
        -- Not added to in bites of its own: all at once, below, costs half as much.
        EXECUTE format('CREATE INDEX %I ON %I.%I USING gin (hashes) WITH (gin_pending_list_limit = 1000000)',
            one.name || '_hashes', home, one.name);
        changed := changed + 1;
    END LOOP;
    IF changed > 0 THEN
        RETURN changed;
    END IF;
    WHILE done < cardinality(taken) AND clock_timestamp() < began + interval '1 second' LOOP
        bite := taken[done + 1:done + 500];
        -- Before they are read: what replaces one of them from here on lets it wait again.
        DELETE FROM waiting_word WHERE event_id = ANY (bite);
        FOR one IN
            SELECT first_id, end_id FROM hours WHERE NOT is_closed AND to_regclass(words) IS NOT NULL
                AND EXISTS (SELECT FROM unnest(bite) AS id WHERE id >= first_id AND id < end_id)
        LOOP
            INSERT INTO recent_word
                SELECT event_id, word_hashes(payload) FROM event
                WHERE event_id = ANY (bite) AND event_id >= one.first_id AND event_id < one.end_id
                    AND payload IS NOT NULL;
        END LOOP;
        done := done + cardinality(bite);
    END LOOP;
    FOR one IN SELECT words AS name FROM hours WHERE NOT is_closed AND to_regclass(words) IS NOT NULL LOOP
        PERFORM gin_clean_pending_list((one.name || '_hashes')::regclass);
    END LOOP;
    RETURN done;
END
$function$;

REVOKE ALL ON FUNCTION {schema}.is_cut, {schema}.hashes_of, {schema}.holds, {schema}.says FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.is_cut, {schema}.hashes_of, {schema}.holds, {schema}.says TO {prefix}etp_retention, {prefix}etp_api;
