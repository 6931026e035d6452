// SignIn.cs: .NET 6 or later, nothing else to install. .NET has no Ed25519: make a P-256 key.
using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

public static class SignIn
{
    static readonly string VOTE = "https://vote.example";
    static readonly string PLATFORM = "your-platform";
    static readonly string CONTEST = "your-contest";
    // Only if your platform has several keys: the kid of this key.
    static readonly string KEY_ID = "";
    // Only if your person policy is "required": the contest's shared key.
    static readonly string PERSON_KEY = "";
    static readonly string PRIVATE_KEY = Path.GetFullPath("private.pem");

    /// <summary>The URL to send the user to: respond 303 with this Location and
    /// Cache-Control: no-store.</summary>
    public static string SignInUrl(string userId, string nextPage = "", string phone = "")
    {
        if (userId == "") throw new ArgumentException("the user id is missing");
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var header = new Dictionary<string, object> { ["alg"] = "ES256", ["typ"] = "JWT" };
        if (KEY_ID != "") header["kid"] = KEY_ID;
        var claims = new Dictionary<string, object>
        {
            ["iss"] = PLATFORM,
            ["aud"] = CONTEST,
            ["sub"] = userId,
            ["iat"] = now,
            ["exp"] = now + 120,
            ["jti"] = Guid.NewGuid().ToString(),
        };
        if (PERSON_KEY != "") claims["person"] = Person(phone);
        string signed = Part(JsonSerializer.SerializeToUtf8Bytes(header)) + "."
            + Part(JsonSerializer.SerializeToUtf8Bytes(claims));
        using ECDsa key = PrivateKey();
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        string token = signed + "." + Part(signature);
        return VOTE + "/enter#platform=" + Uri.EscapeDataString(PLATFORM)
            + "&token=" + Uri.EscapeDataString(token)
            + "&next=" + Uri.EscapeDataString(nextPage);
    }

    const string MAKE_KEY = "; move this file away, make a P-256 key as in section 1, "
        + "and send its public.pem to the organiser";

    static ECDsa PrivateKey()
    {
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(PRIVATE_KEY));
        }
        catch (Exception other) when (other is ArgumentException or CryptographicException)
        {
            throw new InvalidOperationException(
                "private.pem is not a P-256 key: " + other.Message + MAKE_KEY, other);
        }
        if (key.KeySize != 256)
            throw new InvalidOperationException(
                "private.pem is not a P-256 key but of " + key.KeySize + " bits" + MAKE_KEY);
        return key;
    }

    static string Person(string phone)
    {
        byte[] hash = HMACSHA256.HashData(
            Convert.FromHexString(PERSON_KEY), Encoding.ASCII.GetBytes(phone));
        return Convert.ToHexString(hash).ToLowerInvariant();
    }

    static string Part(byte[] bytes) =>
        Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static void Main(string[] arguments) =>
        Console.WriteLine(SignInUrl(
            arguments.Length > 0 ? arguments[0] : "",
            arguments.Length > 1 ? arguments[1] : "",
            arguments.Length > 2 ? arguments[2] : ""));
}
