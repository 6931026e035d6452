// Checks the tree, the tiles and the signatures of a public log with the code of Go's checksum
// database (golang.org/x/mod/sumdb), which shares nothing with ours:
//
//	main FOLDER FLIPS
//
// verifies the folder, then changes FLIPS single bits of its files, each of which has to be found.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a tile

type folder map[string][]byte

func read(root string) (folder, error) {
	files := folder{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	return files, err
}

// A witness signs the text below a time (C2SP tlog-cosignature).
type witness struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.id }
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

func readWitness(text string) (witness, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return witness{}, fmt.Errorf("not the key of a witness: %q", text)
	}
	id, err := strconv.ParseUint(parts[1], 16, 32)
	key, decodeErr := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || decodeErr != nil || len(key) != 33 || key[0] != 4 {
		return witness{}, fmt.Errorf("not the key of a witness: %q", text)
	}
	return witness{parts[0], uint32(id), key[1:]}, nil
}

// Tiles of the folder, whose paths have no height.
func (files folder) Height() int                        { return height }
func (files folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (files folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, ok := files[tilePath(tile)]
		if !ok {
			return nil, fmt.Errorf("missing %s", tilePath(tile))
		}
		read[i] = data
	}
	return read, nil
}

func tilePath(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func entries(files folder, size int64) ([][]byte, error) {
	var all [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := 1 << height
		if size-first < int64(width) {
			width = int(size - first)
		}
		path := tilePath(tlog.Tile{H: height, L: -1, N: first >> height, W: width})
		data, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("missing %s", path)
		}
		for len(data) > 0 {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s is cut off", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:end])
			data = data[end:]
		}
	}
	if int64(len(all)) != size {
		return nil, fmt.Errorf("%d entries instead of %d", len(all), size)
	}
	return all, nil
}

type entry struct {
	Type      string
	Tags      string
	Bundle    int
	Key       string
	Witnesses []string
}

func verify(files folder) error {
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(files["key"]), "\n"))
	if err != nil {
		return err
	}
	signed, err := note.Open(files["checkpoint"], note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return fmt.Errorf("not a checkpoint of this log: %q", lines)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	var root tlog.Hash
	if err := root.UnmarshalJSON([]byte(`"` + lines[2] + `"`)); err != nil {
		return err
	}
	return verifyTree(files, tlog.Tree{N: size, Hash: root})
}

func verifyTree(files folder, tree tlog.Tree) error {
	all, err := entries(files, tree.N)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, files)
	if reached, err := tlog.TreeHash(tree.N, hashes); err != nil || reached != tree.Hash {
		return fmt.Errorf("the tiles do not lead to the root: %v", err)
	}
	indexes := make([]int64, len(all))
	for i := range all {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, data := range all {
		if tlog.RecordHash(data) != leaves[i] {
			return fmt.Errorf("entry %d is not the one in the tree", i)
		}
		var read entry
		if err := json.Unmarshal(data, &read); err != nil {
			return err
		}
		if i == 0 {
			if string(files["key"]) != read.Key+"\n" {
				return fmt.Errorf("the first entry has another key")
			}
			err = verifyWitnesses(files["checkpoint"], read.Witnesses)
		} else if read.Type == "ballots" {
			err = verifyTags(files[fmt.Sprintf("bundles/%d", read.Bundle)], read.Tags)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %v", i, err)
		}
	}
	return proveSome(tree, hashes, all)
}

func verifyWitnesses(checkpoint []byte, keys []string) error {
	for _, key := range keys {
		named, err := readWitness(key)
		if err != nil {
			return err
		}
		if _, err := note.Open(checkpoint, note.VerifierList(named)); err != nil {
			return err
		}
	}
	return nil
}

func verifyTags(tags []byte, root string) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		read := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			read[i] = stored[index]
		}
		return read, nil
	})
	count := int64(0)
	for ; len(tags) >= 32; tags = tags[32:] {
		added, err := tlog.StoredHashes(count, tags[:32], reader)
		if err != nil {
			return err
		}
		stored = append(stored, added...)
		count++
	}
	reached, err := tlog.TreeHash(count, reader)
	if err != nil || len(tags) > 0 || reached.String() != root {
		return fmt.Errorf("the tags do not lead to their root")
	}
	return nil
}

// Inclusion and consistency proofs, made and checked.
func proveSome(tree tlog.Tree, hashes tlog.HashReader, all [][]byte) error {
	for _, n := range []int64{0, tree.N / 2, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, n, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(all[n])); err != nil {
			return err
		}
		older, err := tlog.TreeHash(n+1, hashes)
		if err != nil {
			return err
		}
		growth, err := tlog.ProveTree(tree.N, n+1, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(growth, tree.N, tree.Hash, n+1, older); err != nil {
			return err
		}
	}
	return nil
}

// Changes one bit of a file at a time; returns how many are found.
func flip(files folder, count int) int {
	var paths []string
	for path := range files {
		if !strings.HasPrefix(path, "documents/") { // their check is SHA-256 alone
			paths = append(paths, path)
		}
	}
	sort.Strings(paths)
	random := rand.New(rand.NewSource(1))
	found := 0
	for i := 0; i < count; i++ {
		path := paths[random.Intn(len(paths))]
		original := files[path]
		changed := append([]byte(nil), original...)
		changed[random.Intn(len(changed))] ^= 1 << random.Intn(8)
		files[path] = changed
		if verify(files) != nil {
			found++
		} else {
			fmt.Println("missed:", path)
		}
		files[path] = original
	}
	return found
}

func main() {
	files, err := read(os.Args[1])
	if err == nil {
		err = verify(files)
	}
	if err != nil {
		fmt.Println("NOT in order:", err)
		os.Exit(1)
	}
	flips, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	found := flip(files, flips)
	fmt.Printf("The log is in order. Changed bits: %d, found: %d\n", flips, found)
	if found != flips {
		os.Exit(1)
	}
}
