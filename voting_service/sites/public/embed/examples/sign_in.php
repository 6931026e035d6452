<?php
// sign_in.php: PHP 8.1 or later with its sodium extension, nothing else to install
const VOTE = "https://vote.example";
const PLATFORM = "your-platform";
const CONTEST = "your-contest";
const KEY_ID = ""; // only if your platform has several keys: the kid of this key
const PERSON_KEY = ""; // only if your person policy is "required": the contest's shared key
const PRIVATE_KEY = __DIR__ . "/private.pem"; // both files outside the web root

/** The URL to send the user to: respond 303 with this Location and Cache-Control: no-store. */
function sign_in_url(string $user_id, string $next_page = "", string $phone = ""): string
{
    if ($user_id === "") {
        throw new InvalidArgumentException("the user id is missing");
    }
    $now = time();
    $header = ["alg" => "EdDSA", "typ" => "JWT"];
    if (KEY_ID !== "") {
        $header["kid"] = KEY_ID;
    }
    $claims = [
        "iss" => PLATFORM,
        "aud" => CONTEST,
        "sub" => $user_id,
        "iat" => $now,
        "exp" => $now + 120,
        "jti" => bin2hex(random_bytes(16)),
    ];
    if (PERSON_KEY !== "") {
        $claims["person"] = hash_hmac("sha256", $phone, hex2bin(PERSON_KEY));
    }
    $signed = part(json_encode($header, JSON_THROW_ON_ERROR)) . "."
        . part(json_encode($claims, JSON_THROW_ON_ERROR));
    $token = $signed . "." . part(sodium_crypto_sign_detached($signed, private_key()));
    $fields = ["platform" => PLATFORM, "token" => $token, "next" => $next_page];
    return VOTE . "/enter#" . http_build_query($fields);
}

/** An Ed25519 key of openssl is 16 bytes that say so and the 32 that sodium makes a key pair from. */
function private_key(): string
{
    if (!is_readable(PRIVATE_KEY)) {
        throw new RuntimeException("cannot read the private key " . PRIVATE_KEY);
    }
    $pem = file_get_contents(PRIVATE_KEY);
    $der = (string) base64_decode(preg_replace("/-----[A-Z ]+-----|\s/", "", $pem), true);
    if (strlen($der) !== 48 || !str_starts_with(bin2hex($der), "302e020100300506032b6570")) {
        $kind = match (true) { // by the object identifiers of the algorithms
            str_contains($der, "\x2a\x86\x48\xce\x3d") => "EC",
            str_contains($der, "\x2a\x86\x48\x86\xf7") => "RSA",
            str_contains($pem, "BEGIN RSA PRIVATE KEY") => "RSA",
            default => "another kind",
        };
        throw new RuntimeException("private.pem is not an Ed25519 key but $kind; move this file away, "
            . "make one as in section 1, and send its public.pem to the organiser");
    }
    return sodium_crypto_sign_secretkey(sodium_crypto_sign_seed_keypair(substr($der, -32)));
}

function part(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), "+/", "-_"), "=");
}

// In your server: require this file by its full path, and call sign_in_url.
if (PHP_SAPI === "cli" && realpath($argv[0]) === __FILE__) {
    echo sign_in_url(...(array_slice($argv, 1) ?: [""])), "\n";
}
