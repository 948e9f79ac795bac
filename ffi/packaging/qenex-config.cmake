# find_package(qenex) gives the targets qenex::qenex (shared) and qenex::static. Paths are those of wherever this file lies.
get_filename_component(_qenex_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

foreach(_qenex_target IN ITEMS qenex static)
  if(NOT TARGET qenex::${_qenex_target})
    if(_qenex_target STREQUAL "qenex")
      add_library(qenex::qenex SHARED IMPORTED)
      set_target_properties(qenex::qenex PROPERTIES
        IMPORTED_LOCATION "${_qenex_prefix}/lib/libqenex.so.1"
        IMPORTED_SONAME "libqenex.so.1")
    else()
      add_library(qenex::static STATIC IMPORTED)
      set_target_properties(qenex::static PROPERTIES IMPORTED_LOCATION "${_qenex_prefix}/lib/libqenex.a")
    endif()
    set_target_properties(qenex::${_qenex_target} PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${_qenex_prefix}/include")
  endif()
endforeach()

unset(_qenex_target)
unset(_qenex_prefix)
