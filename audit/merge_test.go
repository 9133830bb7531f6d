package audit

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"hostperm/policy"
)

// locked is a tree with two directories that cannot be listed, one below an
// ordinary one, and a neighbour whose name begins like one of them.
func locked() *tree {
	return &tree{nodes: []node{
		dir(".", 0o755), file("index.php", 0o600),
		dir("a", 0o711), dir("a/b", 0o300).denied("permission denied"), file("a/b/x", 0o666), dir("a/b/c", 0o777), file("a/b/c/.htaccess", 0o644),
		dir("a/b2", 0o700), file("a/b2/y", 0o600),
		dir("z", 0).denied("permission denied"), file("z/w", 0o4644), {path: "z/l", mode: 0o120777}, {path: "z/l2", mode: 0o120777},
	}}
}

// unlock is what a repair does to the directories, for all or some of them.
func (t *tree) unlock(paths ...string) {
	for i, n := range t.nodes {
		if slices.Contains(paths, n.path) {
			t.nodes[i] = dir(n.path, 0o755)
		}
	}
}

// TestMerge holds that an audit, and later ones of what was repaired, come to
// the same as one audit of everything.
func TestMerge(t *testing.T) {
	w := locked()
	exclude := []string{"y", "l"}
	r := run(t, w, Options{Exclude: exclude})
	before := *r
	findings := slices.Clone(r.Findings)

	w.unlock("a/b", "z")
	w.seen = nil
	later := run(t, w, Options{From: []string{"z", "a/b"}, Exclude: exclude})
	equal(t, "visited", w.seen, []string{"z", "z/l2", "z/l", "z/w", "a/b", "a/b/c", "a/b/c/.htaccess", "a/b/x"})
	for _, f := range later.Findings {
		if f.Path == "." || f.Path == "a" {
			t.Errorf("%s, which only lies above, has %s again", f.Path, f.Rule)
		}
	}
	kept := slices.Clone(later.Findings)
	r.Merge(later)

	whole := run(t, w, Options{Exclude: exclude})
	equal(t, "findings", brief(r), brief(whole))
	if !r.Complete || len(r.Gaps) != 0 {
		t.Errorf("complete %v, gaps %v", r.Complete, r.Gaps)
	}
	if r.Excluded != 2 || r.Excluded != whole.Excluded || r.Dirs != whole.Dirs || r.Files != whole.Files || r.Symlinks != whole.Symlinks || r.Other != whole.Other {
		t.Errorf("counts %+v, want those of %+v", r, whole)
	}
	if !reflect.DeepEqual(before.Findings, findings) || !reflect.DeepEqual(later.Findings, kept) {
		t.Error("a copy, or what was merged, was changed")
	}
}

// TestMergeKeepsWhatIsOpen holds that gaps elsewhere, new gaps, and walks that
// ended early keep a result from being complete.
func TestMergeKeepsWhatIsOpen(t *testing.T) {
	w := locked()
	r := run(t, w, Options{})
	w.unlock("a/b")
	r.Merge(run(t, w, Options{From: []string{"a/b"}}))
	if want := []Gap{{"z", "permission denied"}}; !slices.Equal(r.Gaps, want) || r.Complete {
		t.Errorf("gaps %v, complete %v", r.Gaps, r.Complete)
	}
	r.Merge(run(t, w, Options{From: []string{"z"}}))
	if want := []Gap{{"z", "permission denied"}}; !slices.Equal(r.Gaps, want) || r.Complete {
		t.Errorf("gaps %v, complete %v", r.Gaps, r.Complete)
	}
	w.unlock("z")
	w.cut = "z/l"
	early, err := Run(context.Background(), w, "/r", newPolicy(t, policy.Options{}), Options{From: []string{"z"}})
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	r.Merge(early)
	w.cut = ""
	if r.Merge(run(t, w, Options{From: []string{"z"}})); r.Complete || len(r.Gaps) != 0 {
		t.Errorf("gaps %v, complete %v after a walk that ended early", r.Gaps, r.Complete)
	}
	if r.Merge(run(t, w, Options{})); !r.Complete {
		t.Error("an audit of everything does not complete it")
	}
}

// TestMergeRoot repairs a root that could not be listed.
func TestMergeRoot(t *testing.T) {
	w := &tree{nodes: []node{dir(".", 0o300).denied("permission denied"), file("x", 0o600), dir("d", 0o755)}}
	r := run(t, w, Options{})
	w.unlock(".")
	r.Merge(run(t, w, Options{From: []string{"."}}))
	equal(t, "findings", brief(r), []string{"x file file-mode low 0600>0644 loosen"})
	if r.Dirs != 2 || r.Files != 1 || !r.Complete {
		t.Errorf("%+v", r)
	}
}

// TestChainAboveIsFresh holds that an .htaccess in a later audit is judged by
// the directories above as they are then.
func TestChainAboveIsFresh(t *testing.T) {
	w := locked()
	w.unlock("a/b", "a/b/c")
	if r := run(t, w, Options{From: []string{"a/b/c"}}); len(r.Findings) != 0 {
		t.Errorf("found %q", brief(r))
	}
	w.nodes[2] = dir("a", 0o750)
	r := run(t, w, Options{From: []string{"a/b/c"}})
	equal(t, "findings", brief(r), []string{"a/b/c/.htaccess file htaccess-unreadable high 0644>0000 none"})
}

func TestAtOrBelow(t *testing.T) {
	dirs := pathSet([]string{"a/b", "c"})
	for path, want := range map[string]bool{
		"a/b": true, "a/b/x/y": true, "c": true, "c/d": true,
		"a": false, "a/b2": false, "a/bc/d": false, "x/c": false, ".": false, "": false,
	} {
		if got := atOrBelow(dirs, path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
	if !atOrBelow(pathSet([]string{"."}), "x/y") {
		t.Error("nothing is below the root")
	}
}
