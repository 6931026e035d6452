// SignIn.java: Java 17 or later, nothing to install
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class SignIn {
    static final String VOTE = "https://vote.example";
    static final String PLATFORM = "your-platform";
    static final String CONTEST = "your-contest";
    // Only if your platform has several keys: the kid of this key.
    static final String KEY_ID = "";
    // Only if your person policy is "required": the contest's shared key.
    static final String PERSON_KEY = "";
    static final Path PRIVATE_KEY = Path.of("private.pem").toAbsolutePath();

    /** The URL to send the user to: respond 303 with this Location and Cache-Control: no-store. */
    public static String signInUrl(String userId, String nextPage, String phone)
        throws Exception {
        if (userId.isEmpty()) throw new IllegalArgumentException("the user id is missing");
        long now = Instant.now().getEpochSecond();
        String kid = KEY_ID.isEmpty() ? "" : ",\"kid\":" + json(KEY_ID);
        String header = "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"" + kid + "}";
        String person = PERSON_KEY.isEmpty() ? "" : ",\"person\":" + json(person(phone));
        String claims = "{\"iss\":" + json(PLATFORM) + ",\"aud\":" + json(CONTEST)
            + ",\"sub\":" + json(userId) + ",\"iat\":" + now + ",\"exp\":" + (now + 120)
            + ",\"jti\":" + json(UUID.randomUUID().toString()) + person + "}";
        String signed = part(header.getBytes(StandardCharsets.UTF_8)) + "."
            + part(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(privateKey());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        String token = signed + "." + part(signature.sign());
        return VOTE + "/enter#platform=" + form(PLATFORM) + "&token=" + form(token)
            + "&next=" + form(nextPage);
    }

    private static String person(String phone) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(HexFormat.of().parseHex(PERSON_KEY), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal(phone.getBytes(StandardCharsets.US_ASCII)));
    }

    private static PrivateKey privateKey() throws Exception {
        String pem = Files.readString(PRIVATE_KEY).replaceAll("-----[A-Z ]+-----|\\s", "");
        try {
            return KeyFactory.getInstance("Ed25519")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        } catch (InvalidKeySpecException other) {
            throw new IllegalArgumentException("private.pem is not an Ed25519 key: "
                + other.getMessage()
                + "; move this file away, make one as in section 1, "
                + "and send its public.pem to the organiser", other);
        }
    }

    private static String part(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String form(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    private static String json(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') quoted.append('\\').append(c);
            else if (c < ' ') quoted.append(String.format("\\u%04x", (int) c));
            else quoted.append(c);
        }
        return quoted.append('"').toString();
    }

    public static void main(String[] arguments) throws Exception {
        String userId = arguments.length > 0 ? arguments[0] : "";
        String nextPage = arguments.length > 1 ? arguments[1] : "";
        String phone = arguments.length > 2 ? arguments[2] : "";
        System.out.println(signInUrl(userId, nextPage, phone));
    }
}
