// Command merkle-verify checks a transparency log that is published as C2SP tlog-tiles, knowing nothing of the program that
// wrote it. It shares no code with tlog-verify: github.com/transparency-dev/merkle judges the tree, Go's crypto/ed25519 the
// signatures.
//
//	merkle-verify -vkey KEY [-vkey KEY]... [-kept CHECKPOINT]... DIRECTORY
//
// Every entry bundle is hashed into a compact range; its nodes are compared with every tile, its root with the signed one;
// each kept checkpoint must be consistent with it by an RFC 6962 proof. Exit status 1 with a reason on the first
// disagreement, 2 on wrong usage.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

const (
	height = 8
	width  = 1 << height
)

type key struct {
	name   string
	id     [4]byte
	public ed25519.PublicKey
}

type head struct {
	size uint64
	root []byte
}

type texts []string

func (t *texts) String() string     { return strings.Join(*t, " ") }
func (t *texts) Set(s string) error { *t = append(*t, s); return nil }

func main() {
	var vkeys, kept texts
	flag.Var(&vkeys, "vkey", "public key in the form of C2SP signed-note; may be repeated when the key was changed")
	flag.Var(&kept, "kept", "a checkpoint kept from earlier (file); may be repeated")
	flag.Parse()
	if len(vkeys) == 0 || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := check(flag.Arg(0), vkeys, kept); err != nil {
		fmt.Fprintln(os.Stderr, "REJECTED:", err)
		os.Exit(1)
	}
}

func parseKey(vkey string) (key, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return key{}, errors.New("key: not of three parts")
	}
	packed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(packed) != 1+ed25519.PublicKeySize || packed[0] != 1 {
		return key{}, errors.New("key: not Ed25519")
	}
	k := key{name: parts[0], public: packed[1:]}
	sum := sha256.Sum256(append([]byte(k.name+"\n"), packed...))
	copy(k.id[:], sum[:])
	if hex.EncodeToString(k.id[:]) != parts[1] {
		return key{}, errors.New("key: the id is another key's")
	}
	return k, nil
}

// open returns what a checkpoint promises when one of the keys has signed it and none of them has signed it wrongly.
func open(note []byte, keys []key) (head, error) {
	split := bytes.LastIndex(note, []byte("\n\n"))
	if split < 0 || !bytes.HasSuffix(note, []byte("\n")) || len(note) == split+2 {
		return head{}, errors.New("checkpoint: no signatures")
	}
	text := note[:split+1]
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return head{}, errors.New("checkpoint: too short")
	}
	signed := false
	for _, line := range strings.Split(string(note[split+2:len(note)-1]), "\n") {
		parts := strings.Split(line, " ")
		if len(parts) != 3 || parts[0] != "—" {
			return head{}, errors.New("checkpoint: malformed signature line")
		}
		blob, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(blob) < 5 {
			return head{}, errors.New("checkpoint: malformed signature")
		}
		for _, k := range keys {
			if parts[1] != k.name || !bytes.Equal(blob[:4], k.id[:]) {
				continue
			}
			if !ed25519.Verify(k.public, text, blob[4:]) {
				return head{}, errors.New("checkpoint: the signature does not hold")
			}
			signed = signed || lines[0] == k.name
		}
	}
	if !signed {
		return head{}, errors.New("checkpoint: signed by none of the keys")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return head{}, errors.New("checkpoint: malformed size")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != sha256.Size {
		return head{}, errors.New("checkpoint: malformed root")
	}
	return head{size, root}, nil
}

// name is the path of a tile, or of an entry bundle where level is "entries", at this width.
func name(level string, n uint64, wide uint64) string {
	digits := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		digits = fmt.Sprintf("x%03d/%s", n%1000, digits)
	}
	path := "tile/" + level + "/" + digits
	if wide < width {
		path += ".p/" + strconv.FormatUint(wide, 10)
	}
	return path
}

// widthOf is how many of the rows stand in tile n.
func widthOf(rows, n uint64) uint64 {
	if left := rows - n*width; left < width {
		return left
	}
	return width
}

func entries(packed []byte) ([][]byte, error) {
	var found [][]byte
	for len(packed) > 0 {
		if len(packed) < 2 || len(packed) < 2+int(packed[0])<<8+int(packed[1]) {
			return nil, errors.New("cut short")
		}
		end := 2 + int(packed[0])<<8 + int(packed[1])
		found, packed = append(found, packed[2:end]), packed[end:]
	}
	return found, nil
}

func check(place string, vkeys, kept []string) error {
	var keys []key
	for _, vkey := range vkeys {
		k, err := parseKey(vkey)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	read := func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(place, filepath.FromSlash(path))) }
	note, err := read("checkpoint")
	if err != nil {
		return err
	}
	now, err := open(note, keys)
	if err != nil {
		return err
	}
	nodes := map[compact.NodeID][]byte{}
	keep := func(id compact.NodeID, hash []byte) { nodes[id] = hash }
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for n := uint64(0); n*width < now.size; n++ {
		path := name("entries", n, widthOf(now.size, n))
		packed, err := read(path)
		if err != nil {
			return err
		}
		rows, err := entries(packed)
		if err != nil || uint64(len(rows)) != widthOf(now.size, n) {
			return fmt.Errorf("%s: %d entries, %v", path, len(rows), err)
		}
		for _, row := range rows {
			leaf := rfc6962.DefaultHasher.HashLeaf(row)
			keep(compact.NewNodeID(0, tree.End()), leaf)
			if err := tree.Append(leaf, keep); err != nil {
				return err
			}
		}
	}
	root := rfc6962.DefaultHasher.EmptyRoot()
	if now.size > 0 {
		if root, err = tree.GetRootHash(nil); err != nil {
			return err
		}
	}
	if !bytes.Equal(root, now.root) {
		return fmt.Errorf("the entries lead to root %x, the checkpoint signs %x", root, now.root)
	}
	tiles := 0
	for level := uint(0); now.size>>(height*level) > 0; level++ {
		rows := now.size >> (height * level)
		for n := uint64(0); n*width < rows; n++ {
			path := name(strconv.Itoa(int(level)), n, widthOf(rows, n))
			have, err := read(path)
			if err != nil {
				return err
			}
			var want []byte
			for i := n * width; i < n*width+widthOf(rows, n); i++ {
				want = append(want, nodes[compact.NewNodeID(height*level, i)]...)
			}
			if !bytes.Equal(have, want) {
				return fmt.Errorf("%s: not what the entries say", path)
			}
			tiles++
		}
	}
	for _, file := range kept {
		if err := consistent(file, keys, now, nodes); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	fmt.Printf("ACCEPTED size %d root %x, %d tiles\n", now.size, now.root, tiles)
	return nil
}

// consistent proves by an RFC 6962 consistency proof that a kept checkpoint is the beginning of this tree.
func consistent(file string, keys []key, now head, nodes map[compact.NodeID][]byte) error {
	note, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := open(note, keys)
	if err != nil {
		return err
	}
	if old.size > now.size {
		return fmt.Errorf("size %d was signed, the log now ends at %d", old.size, now.size)
	}
	if old.size == 0 {
		if !bytes.Equal(old.root, rfc6962.DefaultHasher.EmptyRoot()) {
			return errors.New("an empty log has another root")
		}
		return nil
	}
	wanted, err := proof.Consistency(old.size, now.size)
	if err != nil {
		return err
	}
	var hashes [][]byte
	for _, id := range wanted.IDs {
		hash, ok := nodes[id]
		if !ok {
			return fmt.Errorf("node %v is not known", id)
		}
		hashes = append(hashes, hash)
	}
	path, err := wanted.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, old.size, now.size, path, old.root, now.root)
}
