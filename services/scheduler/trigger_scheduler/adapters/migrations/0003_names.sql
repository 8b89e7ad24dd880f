-- Triggers are found by a part of their name in any case and script: both are compared as Unicode's
-- NFKC_Casefold has them (normalised, case-folded, without what is not seen), with one letter i for
-- the Turkish ones, too. An ASCII name is none of that but lower case.

CREATE FUNCTION {schema}.folded(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20
AS $function$
BEGIN
    IF octet_length(name) = length(name) THEN
        RETURN lower(name COLLATE "C");
    END IF;
    name := regexp_replace(name,
        '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164'
        '\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
        '\U000e0000-\U000e0fff]+', '', 'g');
    name := normalize(casefold(normalize(name, NFKC) COLLATE "pg_unicode_fast"), NFKC);
    RETURN replace(replace(name, U&'i\0307', 'i'), U&'\0131', 'i');
END
$function$;

REVOKE ALL ON FUNCTION {schema}.folded FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{prefix}etp_api') THEN
        GRANT EXECUTE ON FUNCTION {schema}.folded TO {prefix}etp_api;
    END IF;
END
$$;
