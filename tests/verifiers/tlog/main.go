// Command tlog-verify checks a transparency log that is published as C2SP tlog-tiles, knowing nothing of the program that
// wrote it: only golang.org/x/mod's sumdb/tlog and sumdb/note judge here.
//
//	tlog-verify -vkey KEY [-kept CHECKPOINT]... DIRECTORY-OR-URL
//	tlog-verify -vkey KEY -receipt RECEIPT.json
//
// The first form re-hashes every entry bundle and compares it with every tile and with the signed root; each kept
// checkpoint must be the beginning of the same tree. The second form proves one receipt. Exit status 1 with a reason on
// the first disagreement, 2 on wrong usage.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height  = 8
	width   = 1 << height
	maxFile = 32 << 20
)

type fetch func(path string) ([]byte, error)

type kept []string

func (k *kept) String() string     { return strings.Join(*k, " ") }
func (k *kept) Set(s string) error { *k = append(*k, s); return nil }

func main() {
	var old kept
	vkey := flag.String("vkey", "", "public key in the form of sumdb/note, or @file")
	receipt := flag.String("receipt", "", "prove this receipt (JSON) instead of a whole log")
	flag.Var(&old, "kept", "a checkpoint kept from earlier (file); may be repeated")
	flag.Parse()
	if *vkey == "" || (*receipt == "") == (flag.NArg() == 0) {
		flag.Usage()
		os.Exit(2)
	}
	verifier, err := readKey(*vkey)
	if err == nil {
		if *receipt != "" {
			err = checkReceipt(*receipt, verifier)
		} else {
			err = checkLog(flag.Arg(0), verifier, old)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "REJECTED:", err)
		os.Exit(1)
	}
}

func readKey(vkey string) (note.Verifier, error) {
	if strings.HasPrefix(vkey, "@") {
		text, err := os.ReadFile(vkey[1:])
		if err != nil {
			return nil, err
		}
		vkey = strings.TrimSpace(string(text))
	}
	return note.NewVerifier(vkey)
}

// openCheckpoint returns the size and root that the log's key has signed.
func openCheckpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, errors.New("checkpoint: of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tree, errors.New("checkpoint: malformed size")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, errors.New("checkpoint: malformed root")
	}
	tree.N = size
	copy(tree.Hash[:], root)
	return tree, nil
}

func source(place string) fetch {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		client := &http.Client{Timeout: 30 * time.Second}
		base := strings.TrimRight(place, "/")
		return func(path string) ([]byte, error) {
			answer, err := client.Get(base + "/" + path)
			if err != nil {
				return nil, err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("%s: %s", path, answer.Status)
			}
			return io.ReadAll(io.LimitReader(answer.Body, maxFile))
		}
	}
	return func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(place, filepath.FromSlash(path))) }
}

// tilePath is the path of C2SP tlog-tiles: without the height that sumdb writes into it, and with "entries" for data.
func tilePath(tile tlog.Tile) string {
	level := strconv.Itoa(tile.L)
	if tile.L < 0 {
		level = "entries"
	}
	number := fmt.Sprintf("%03d", tile.N%1000)
	for n := tile.N / 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	path := "tile/" + level + "/" + number
	if tile.W < width {
		path += ".p/" + strconv.Itoa(tile.W)
	}
	return path
}

func unbundle(packed []byte, want int, name string) ([][]byte, error) {
	var entries [][]byte
	for len(packed) > 0 {
		if len(packed) < 2 {
			return nil, fmt.Errorf("%s: ends inside a length", name)
		}
		n := int(binary.BigEndian.Uint16(packed))
		if packed = packed[2:]; len(packed) < n {
			return nil, fmt.Errorf("%s: ends inside an entry", name)
		}
		entries, packed = append(entries, packed[:n]), packed[n:]
	}
	if len(entries) != want {
		return nil, fmt.Errorf("%s: %d entries instead of %d", name, len(entries), want)
	}
	return entries, nil
}

func checkLog(place string, verifier note.Verifier, old kept) error {
	get := source(place)
	text, err := get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(text, verifier)
	if err != nil {
		return err
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("hash %d is not known", index)
			}
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for first := int64(0); first < tree.N; first += width {
		tile := tlog.Tile{H: height, L: -1, N: first / width, W: width}
		if tree.N-first < width {
			tile.W = int(tree.N - first)
		}
		packed, err := get(tilePath(tile))
		if err != nil {
			return err
		}
		entries, err := unbundle(packed, tile.W, tilePath(tile))
		if err != nil {
			return err
		}
		for i, entry := range entries {
			hashes, err := tlog.StoredHashes(first+int64(i), entry, reader)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
		}
	}
	root, err := rootAt(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the entries lead to root %v, the checkpoint signs %v", root, tree.Hash)
	}
	tiles := 0
	for level := 0; tree.N>>(height*uint(level)) > 0; level++ {
		rows := tree.N >> (height * uint(level))
		for n := int64(0); n*width < rows; n++ {
			tile := tlog.Tile{H: height, L: level, N: n, W: width}
			if rows-n*width < width {
				tile.W = int(rows - n*width)
			}
			want, err := tlog.ReadTileData(tile, reader)
			if err != nil {
				return err
			}
			have, err := get(tilePath(tile))
			if err != nil {
				return err
			}
			if !bytes.Equal(have, want) {
				return fmt.Errorf("%s: not what the entries say", tilePath(tile))
			}
			tiles++
		}
	}
	for _, file := range old {
		if err := checkKept(file, verifier, tree, reader); err != nil {
			return err
		}
	}
	fmt.Printf("ACCEPTED %s size %d root %v, %d tiles\n", verifier.Name(), tree.N, tree.Hash, tiles)
	return nil
}

func rootAt(size int64, reader tlog.HashReader) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(size, reader)
}

// checkKept proves that a checkpoint kept from earlier is the beginning of this tree.
func checkKept(file string, verifier note.Verifier, tree tlog.Tree, reader tlog.HashReader) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(text, verifier)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if old.N > tree.N {
		return fmt.Errorf("%s: size %d was signed, the log now ends at %d", file, old.N, tree.N)
	}
	root, err := rootAt(old.N, reader)
	if err != nil {
		return err
	}
	if root != old.Hash {
		return fmt.Errorf("%s: history before %d was rewritten", file, old.N)
	}
	return nil
}

type receiptFile struct {
	Schema     string   `json:"schema"`
	Index      int64    `json:"index"`
	Entry      string   `json:"entry"`
	Checkpoint string   `json:"checkpoint"`
	Proof      []string `json:"proof"`
	Slots      []string `json:"commitments"`
	Openings   []struct {
		Slot  int    `json:"slot"`
		Field string `json:"field"`
		Value string `json:"value"`
		Salt  string `json:"salt"`
	} `json:"openings"`
}

func checkReceipt(file string, verifier note.Verifier) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var r receiptFile
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	tree, err := openCheckpoint([]byte(r.Checkpoint), verifier)
	if err != nil {
		return err
	}
	proof := make(tlog.RecordProof, len(r.Proof))
	for i, step := range r.Proof {
		hash, err := base64.StdEncoding.DecodeString(step)
		if err != nil || len(hash) != tlog.HashSize {
			return fmt.Errorf("proof: step %d is not a hash", i)
		}
		copy(proof[i][:], hash)
	}
	if r.Index < 0 || r.Index >= tree.N {
		return errors.New("proof: the leaf is outside the tree")
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, r.Index, tlog.RecordHash([]byte(r.Entry))); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	if err := checkOpenings(r); err != nil {
		return err
	}
	fmt.Printf("ACCEPTED %s leaf %d of %d, %d fields opened\n", verifier.Name(), r.Index, tree.N, len(r.Openings))
	return nil
}

// checkOpenings proves the opened fields against the root of commitments in the leaf (docs/journal.md).
func checkOpenings(r receiptFile) error {
	var leaf struct {
		Root string `json:"root"`
	}
	if err := json.Unmarshal([]byte(r.Entry), &leaf); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	all := []byte{4}
	slots := make([][]byte, len(r.Slots))
	for i, text := range r.Slots {
		slot, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(slot) != sha256.Size {
			return fmt.Errorf("commitments: %d is not a hash", i)
		}
		slots[i], all = slot, append(all, slot...)
	}
	if root := sha256.Sum256(all); len(slots) != 32 || fmt.Sprintf("%x", root) != leaf.Root {
		return errors.New("commitments: not those of the leaf")
	}
	for _, o := range r.Openings {
		salt, err := base64.StdEncoding.DecodeString(o.Salt)
		if err != nil || o.Slot < 0 || o.Slot >= len(slots) || len(o.Field) > 0xffff {
			return fmt.Errorf("%s: malformed opening", o.Field)
		}
		packed := append([]byte{2}, salt...)
		packed = append(packed, byte(len(o.Field)>>8), byte(len(o.Field)))
		packed = append(append(packed, o.Field...), o.Value...)
		if have := sha256.Sum256(packed); !bytes.Equal(have[:], slots[o.Slot]) {
			return fmt.Errorf("%s: not the value that was sealed", o.Field)
		}
	}
	return nil
}
