package audit

import (
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

const ownerSent = fastlane.AttrUIDGID

// KindOf reads the type that the server sent with the mode: KindUnknown if it
// sent none.
func KindOf(a *remote.Attr) policy.Kind {
	switch a.Type() {
	case fastlane.TypeRegular:
		return policy.KindFile
	case fastlane.TypeDir:
		return policy.KindDir
	case fastlane.TypeSymlink:
		return policy.KindSymlink
	case fastlane.TypeFIFO:
		return policy.KindFIFO
	case fastlane.TypeSocket:
		return policy.KindSocket
	case fastlane.TypeCharDevice:
		return policy.KindCharDevice
	case fastlane.TypeBlockDevice:
		return policy.KindBlockDevice
	}
	return policy.KindUnknown
}
