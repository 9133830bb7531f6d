package audit

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"hostperm/remote"
	"hostperm/remote/fastlane"
)

const everything = fastlane.AttrPermissions | fastlane.AttrUIDGID

// node is an entry of a made-up tree.
type node struct {
	path string // relative to the root
	mode uint32 // with the type
	deny string // why it cannot be listed
	attr *remote.Attr
}

func dir(path string, perm uint32) node  { return node{path: path, mode: fastlane.TypeDir | perm} }
func file(path string, perm uint32) node { return node{path: path, mode: fastlane.TypeRegular | perm} }

// owned gives a node to uid.
func owned(n node, uid uint32) node {
	a := n.attrs()
	a.UID = uid
	n.attr = &a
	return n
}

func (n node) denied(why string) node { n.deny = why; return n }

func (n node) attrs() remote.Attr {
	if n.attr != nil {
		return *n.attr
	}
	return remote.Attr{Flags: everything, Mode: n.mode, UID: 1001, GID: 1002}
}

// tree is a Walker over nodes. It visits siblings in the opposite of their
// order in the slice, which is no order that an audit may rely on.
type tree struct {
	nodes []node
	cut   string // the walk ends with an error when it comes to this entry
	asked remote.WalkOptions
	seen  []string
}

var errCut = errors.New("connection lost")

func (t *tree) Walk(ctx context.Context, _ string, v remote.Visitor, o remote.WalkOptions) error {
	t.asked = o
	if len(o.From) == 0 {
		return t.visit(ctx, v, nil, t.node("."))
	}
	dirs := map[string]*remote.Dir{}
	for _, from := range o.From {
		var chain []string
		for p := from; p != "."; p = path.Dir(p) {
			chain = append(chain, path.Dir(p))
		}
		slices.Reverse(chain)
		for _, p := range chain {
			if dirs[p] == nil {
				n := t.node(p)
				d := &remote.Dir{Parent: dirs[path.Dir(p)], Path: p, Attr: n.attrs()}
				if p == "." {
					d.Parent = nil
				}
				dirs[p] = d
				v.Entry(d.Parent, &remote.Entry{Name: []byte(path.Base(p)), Attr: d.Attr, Dir: d, Above: true})
			}
		}
		up := dirs[path.Dir(from)]
		if from == "." {
			up = nil
		}
		if err := t.visit(ctx, v, up, t.node(from)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) node(p string) node {
	i := slices.IndexFunc(t.nodes, func(n node) bool { return n.path == p })
	if i < 0 {
		panic("no node " + p)
	}
	return t.nodes[i]
}

func (t *tree) visit(ctx context.Context, v remote.Visitor, up *remote.Dir, n node) error {
	if n.path == t.cut {
		return errCut
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.seen = append(t.seen, n.path)
	e := &remote.Entry{Name: []byte(n.path[strings.LastIndexByte(n.path, '/')+1:]), Attr: n.attrs()}
	if e.Attr.Type() == fastlane.TypeDir || n.path == "." {
		e.Dir = &remote.Dir{Parent: up, Path: n.path, Attr: e.Attr}
	}
	if descend := v.Entry(up, e); !descend || e.Dir == nil {
		return nil
	}
	if n.deny != "" {
		v.Gap(n.path, errors.New(n.deny))
		return nil
	}
	for _, child := range slices.Backward(t.nodes) {
		if child.path != "." && path.Dir(child.path) == n.path {
			if err := t.visit(ctx, v, e.Dir, child); err != nil {
				return err
			}
		}
	}
	return nil
}
