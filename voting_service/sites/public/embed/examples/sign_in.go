// sign_in.go: Go 1.18 or later, nothing to install
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	VOTE       = "https://vote.example"
	PLATFORM   = "your-platform"
	CONTEST    = "your-contest"
	KEY_ID     = "" // only if your platform has several keys: the kid of this key
	PERSON_KEY = "" // only if your person policy is "required": the contest's shared key

	PRIVATE_KEY = "private.pem"
)

// SignInURL returns the URL to send the user to: respond 303 with this Location and
// Cache-Control: no-store.
func SignInURL(userID, nextPage, phone string) (string, error) {
	if userID == "" {
		return "", errors.New("the user id is missing")
	}
	key, err := privateKey()
	if err != nil {
		return "", err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	now := time.Now().Unix()
	header := map[string]any{"alg": "EdDSA", "typ": "JWT"}
	if KEY_ID != "" {
		header["kid"] = KEY_ID
	}
	claims := map[string]any{
		"iss": PLATFORM, "aud": CONTEST, "sub": userID,
		"iat": now, "exp": now + 120, "jti": hex.EncodeToString(id),
	}
	if PERSON_KEY != "" {
		shared, err := hex.DecodeString(PERSON_KEY)
		if err != nil {
			return "", err
		}
		person := hmac.New(sha256.New, shared)
		person.Write([]byte(phone))
		claims["person"] = hex.EncodeToString(person.Sum(nil))
	}
	signed := part(header) + "." + part(claims)
	token := signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
	return VOTE + "/enter#platform=" + url.QueryEscape(PLATFORM) + "&token=" + token +
		"&next=" + url.QueryEscape(nextPage), nil
}

func privateKey() (ed25519.PrivateKey, error) {
	path, err := filepath.Abs(PRIVATE_KEY)
	if err != nil {
		return nil, err
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, errors.New("private.pem is not a PEM file")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	signer, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		kind := block.Type
		if key != nil {
			kind = fmt.Sprintf("%T", key)
		}
		return nil, fmt.Errorf("private.pem is not an Ed25519 key but %s; move this file away, "+
			"make one as in section 1, and send its public.pem to the organiser", kind)
	}
	return signer, nil
}

func part(value map[string]any) string {
	text, _ := json.Marshal(value) // texts and numbers can always be written
	return base64.RawURLEncoding.EncodeToString(text)
}

func main() {
	arguments := append(os.Args[1:], "", "", "")
	link, err := SignInURL(arguments[0], arguments[1], arguments[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(link)
}
